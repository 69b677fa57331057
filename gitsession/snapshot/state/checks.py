"""The parsers of an operation's files: each answers with what may be written, asks, or refuses the state."""

from __future__ import annotations

import re
from collections.abc import Callable

from gitsession.git.refs import is_good_name
from gitsession.snapshot.state.layout import OID, damaged

Consent = Callable[[str], bool]
Check = Callable[[str, bytes, Consent], "bytes | None"]

_HARMLESS = frozenset(
    [
        "pick",
        "p",
        "revert",
        "edit",
        "e",
        "reword",
        "r",
        "fixup",
        "f",
        "squash",
        "s",
        "drop",
        "d",
        "noop",
        "break",
        "b",
        "label",
        "l",
        "reset",
        "t",
        "merge",
        "m",
    ]
)
_OWN_STRATEGIES = frozenset({"ort", "recursive", "resolve", "octopus", "ours", "subtree"})
_OWN_OPTIONS = frozenset(
    [
        "no-commit",
        "edit",
        "allow-empty",
        "allow-empty-message",
        "keep-redundant-commits",
        "drop-redundant-commits",
        "signoff",
        "record-origin",
        "allow-ff",
        "mainline",
        "default-msg-cleanup",
        "allow-rerere-auto",
        "committer-date-is-author-date",
        "ignore-date",
    ]
)
_QUOTED = r"'(?:[^'\n\x00]|'\\[!']')*'"
_AUTHOR = rf"GIT_AUTHOR_NAME={_QUOTED}\nGIT_AUTHOR_EMAIL={_QUOTED}\nGIT_AUTHOR_DATE={_QUOTED}\n?"
_QUOTED_LIST = rf"\s*(?:{_QUOTED}\s*)*"


def text(_: str, content: bytes, __: Consent) -> bytes:
    """Any bytes: shown to people, run by nobody."""
    return content


def _matching(pattern: str) -> Check:
    shape = re.compile(pattern)

    def check(name: str, content: bytes, _: Consent) -> bytes:
        if not shape.fullmatch(_decoded(name, content)):
            raise damaged(name)
        return content

    return check


oid = _matching(rf"(?:{OID.pattern})?\n?")
_PAIR = rf"(?:{OID.pattern})(?: (?:{OID.pattern}))?"
oids = _matching(rf"(?:{_PAIR}\n)*(?:{_PAIR})?")
number = _matching(r"\d{1,9}\n?")
flag = _matching(r"[tfbo]?\n?|--[a-z-]{1,40}\n?|-\n?")
word = _matching(r"[A-Za-z0-9-]{0,40}\n?")
terms = _matching(r"[A-Za-z0-9._-]{1,80}\n[A-Za-z0-9._-]{1,80}\n?")


def branch(name: str, content: bytes, _: Consent) -> bytes:
    """A branch to go back to, or that HEAD was detached."""
    ref = _decoded(name, content).strip("\n")
    if ref != "detached HEAD" and not (is_good_name(ref) and ref.startswith("refs/heads/")):
        raise damaged(name)
    return content


def start(name: str, content: bytes, _: Consent) -> bytes:
    """Where a bisection returns to: a branch's short name or a commit."""
    revision = _decoded(name, content).strip("\n")
    is_branch = is_good_name(f"refs/heads/{revision}") and not revision.startswith("-")
    if not OID.fullmatch(revision) and not is_branch:
        raise damaged(name)
    return content


def refs_to_delete(name: str, content: bytes, _: Consent) -> bytes:
    """The refs a rebase removes at its end: its own labels only."""
    for line in _lines(name, content):
        ref = line.rstrip("\n")
        if not (is_good_name(ref) and ref.startswith("refs/rewritten/")):
            raise damaged(name)
    return content


def refs_to_update(name: str, content: bytes, _: Consent) -> bytes:
    """Triples of lines: a branch, its value before, its value after."""
    lines = [line.rstrip("\n") for line in _lines(name, content)]
    branches, values = lines[::3], [line for n, line in enumerate(lines) if n % 3]
    good = all(is_good_name(ref) and ref.startswith("refs/heads/") for ref in branches)
    if not good or len(lines) % 3 or not all(map(OID.fullmatch, values)):
        raise damaged(name)
    return content


def _asking(question: str, known: frozenset[str] = frozenset()) -> Check:
    def check(name: str, content: bytes, consent: Consent) -> bytes | None:
        value = _decoded(name, content).strip()
        if not value or value in known or consent(f"{question}: {_shown(value)}"):
            return content
        return None

    return check


def steps(name: str, content: bytes, consent: Consent) -> bytes:
    """A list of steps, without those that were refused."""
    kept = [line for line in _lines(name, content) if _may_stay(line.strip(" \t\n"), consent)]
    return "".join(kept).encode("utf-8", "surrogateescape")


def _may_stay(line: str, consent: Consent) -> bool:
    word, _, rest = line.partition(" ")
    word = word.partition("\t")[0]
    if not line or line.startswith("#") or word in _HARMLESS:
        return True
    if word in ("update-ref", "u") and is_good_name(rest.strip()) and rest.strip().startswith("refs/heads/"):
        return True
    return consent(f"The stopped rebase has a line that runs a command: {_shown(line)}")


def options(name: str, content: bytes, consent: Consent) -> bytes:
    """A configuration file with one section; what is asked about is left out line by line."""
    kept = []
    for line in _lines(name, content):
        key, _, value = line.strip().partition(" = ")
        if (
            key in ("", "[options]")
            or key in _OWN_OPTIONS
            or (key == "strategy" and value.strip('"') in _OWN_STRATEGIES)
            or consent(f"The stopped operation has the option {_shown(key)} = {_shown(value)}")
        ):
            kept.append(line)
    return "".join(kept).encode("utf-8", "surrogateescape")


def _decoded(name: str, content: bytes) -> str:
    if b"\0" in content:
        raise damaged(name)
    return content.decode("utf-8", "surrogateescape")


def _shown(text: str) -> str:
    """The text in full, with nothing in it that a terminal or a page would obey."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _lines(name: str, content: bytes) -> list[str]:
    """Lines as git splits them: at newlines only, which they keep."""
    return re.findall(r"[^\n]*\n|[^\n]+", _decoded(name, content))


strategy = _asking("The stopped rebase names a merge program", _OWN_STRATEGIES)
strategy_options = _asking("The stopped rebase has options for its merge program")
apply_options = _asking("The stopped rebase has options for git apply")
author = _matching(_AUTHOR)
quoted_list = _matching(_QUOTED_LIST)
signing = _asking("The stopped rebase signs commits with")
