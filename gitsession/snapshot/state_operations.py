"""What git keeps while an operation is under way (merge, rebase, cherry-pick, revert, bisect), by allow-list.

The names are those of git 2.25 to 2.50 (`builtin/rebase.c`, `builtin/am.c`, `sequencer.c`, `bisect.c`). Every
file is parsed; what would run something when the operation goes on is asked about and left out when refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gitsession.git.refs import is_good_name
from gitsession.snapshot.state_format import OID, damaged

Consent = Callable[[str], bool]
Check = Callable[[str, bytes, Consent], "bytes | None"]

MAX_FILE = 16_000_000
MAX_TOTAL = 64_000_000
DIRECTORIES = ("rebase-merge", "rebase-apply", "sequencer")
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
_AUTHOR = re.compile(rf"GIT_AUTHOR_NAME={_QUOTED}\nGIT_AUTHOR_EMAIL={_QUOTED}\nGIT_AUTHOR_DATE={_QUOTED}\n?")
_QUOTED_LIST = re.compile(rf"\s*(?:{_QUOTED}\s*)*")


def _text(_: str, content: bytes, __: Consent) -> bytes:
    return content


def _matching(pattern: str) -> Check:
    shape = re.compile(pattern)

    def check(name: str, content: bytes, _: Consent) -> bytes:
        if not shape.fullmatch(_decoded(name, content)):
            raise damaged(name)
        return content

    return check


_oid = _matching(rf"(?:{OID.pattern})?\n?")
_oids = _matching(rf"(?:(?:{OID.pattern})(?: (?:{OID.pattern}))?\n?)*")
_number = _matching(r"\d{1,9}\n?")
_flag = _matching(r"[tfbo]?\n?|--[a-z-]{1,40}\n?|-\n?")
_word = _matching(r"[A-Za-z0-9-]{0,40}\n?")
_terms = _matching(r"[A-Za-z0-9._-]{1,80}\n[A-Za-z0-9._-]{1,80}\n?")


def _shaped(shape: re.Pattern[str]) -> Check:
    return _matching(shape.pattern)


def _ref(name: str, content: bytes, _: Consent) -> bytes:
    ref = _decoded(name, content).strip("\n")
    if ref != "detached HEAD" and not (is_good_name(ref) and ref.startswith("refs/heads/")):
        raise damaged(name)
    return content


def _start(name: str, content: bytes, _: Consent) -> bytes:
    revision = _decoded(name, content).strip("\n")
    if not OID.fullmatch(revision) and not is_good_name(f"refs/heads/{revision}"):
        raise damaged(name)
    return content


def _refs_to_delete(name: str, content: bytes, _: Consent) -> bytes:
    for line in _lines(name, content):
        ref = line.rstrip("\n")
        if not (is_good_name(ref) and ref.startswith("refs/rewritten/")):
            raise damaged(name)
    return content


def _update_refs(name: str, content: bytes, _: Consent) -> bytes:
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
        if not value or value in known or consent(f"{question}: {value}"):
            return content
        return None

    return check


def _todo(name: str, content: bytes, consent: Consent) -> bytes:
    kept = [line for line in _lines(name, content) if _may_stay(line.strip(" \t\n"), consent)]
    return "".join(kept).encode("utf-8", "surrogateescape")


def _may_stay(line: str, consent: Consent) -> bool:
    word, _, rest = line.partition(" ")
    word = word.partition("\t")[0]
    if not line or line.startswith("#") or word in _HARMLESS:
        return True
    if word in ("update-ref", "u") and is_good_name(rest.strip()) and rest.strip().startswith("refs/heads/"):
        return True
    return consent(f"The stopped rebase has a line that runs a command: {line}")


def _options(name: str, content: bytes, consent: Consent) -> bytes:
    """A configuration file with one section; what is asked about is left out line by line."""
    kept = []
    for line in _lines(name, content):
        key, _, value = line.strip().partition(" = ")
        if (
            key in ("", "[options]")
            or key in _OWN_OPTIONS
            or (key == "strategy" and value.strip('"') in _OWN_STRATEGIES)
            or consent(f"The stopped operation has the option {key} = {value}")
        ):
            kept.append(line)
    return "".join(kept).encode("utf-8", "surrogateescape")


def _decoded(name: str, content: bytes) -> str:
    if b"\0" in content:
        raise damaged(name)
    return content.decode("utf-8", "surrogateescape")


def _lines(name: str, content: bytes) -> list[str]:
    """Lines as git splits them: at newlines only, which they keep."""
    return re.findall(r"[^\n]*\n|[^\n]+", _decoded(name, content))


_STRATEGY = _asking("The stopped rebase names a merge program", _OWN_STRATEGIES)
_STRATEGY_OPTIONS = _asking("The stopped rebase has options for its merge program")
_SIGNING = _asking("The stopped rebase signs commits with")
_FLAGS_OF_REBASE = [
    "interactive",
    "quiet",
    "verbose",
    "signoff",
    "drop_redundant_commits",
    "keep_redundant_commits",
    "no-reschedule-failed-exec",
    "reschedule-failed-exec",
    "cdate_is_adate",
    "ignore_date",
    "allow_rerere_autoupdate",
    "implicit_no_ff",
    "dropped",
]
_FLAGS_OF_AM = [
    "keep",
    "messageid",
    "quiet",
    "sign",
    "threeway",
    "utf8",
    "scissors",
    "no_inbody_headers",
    "dirtyindex",
    "applying",
    "rebasing",
    "allow_rerere_autoupdate",
]

ALLOWED: Mapping[str, Check] = {
    **dict.fromkeys(("MERGE_MSG", "SQUASH_MSG", "BISECT_LOG"), _text),
    **dict.fromkeys(("CHERRY_PICK_HEAD", "REVERT_HEAD", "ORIG_HEAD", "REBASE_HEAD", "MERGE_AUTOSTASH"), _oid),
    **dict.fromkeys(("BISECT_HEAD", "BISECT_EXPECTED_REV", "AUTO_MERGE"), _oid),
    **dict.fromkeys(("BISECT_ANCESTORS_OK", "BISECT_FIRST_PARENT", "MERGE_MODE"), _word),
    "MERGE_HEAD": _oids,
    "BISECT_START": _start,
    "BISECT_NAMES": _shaped(_QUOTED_LIST),
    "BISECT_TERMS": _terms,
    **{f"rebase-merge/{name}": _flag for name in _FLAGS_OF_REBASE},
    **{
        f"rebase-merge/{name}": _oid
        for name in ("onto", "orig-head", "stopped-sha", "amend", "autostash", "squash-onto")
    },
    **{f"rebase-merge/{name}": _oids for name in ("rewritten-list", "rewritten-pending")},
    **{f"rebase-merge/{name}": _number for name in ("msgnum", "end")},
    **{
        f"rebase-merge/{name}": _text
        for name in ("message", "message-squash", "message-fixup", "current-fixups", "patch", "done")
    },
    **{f"rebase-merge/{name}": _todo for name in ("git-rebase-todo", "git-rebase-todo.backup")},
    "rebase-merge/head-name": _ref,
    "rebase-merge/author-script": _shaped(_AUTHOR),
    "rebase-merge/update-refs": _update_refs,
    "rebase-merge/refs-to-delete": _refs_to_delete,
    "rebase-merge/strategy": _STRATEGY,
    "rebase-merge/strategy_opts": _STRATEGY_OPTIONS,
    "rebase-merge/gpg_sign_opt": _SIGNING,
    **{f"rebase-apply/{name}": _flag for name in _FLAGS_OF_AM},
    **{
        f"rebase-apply/{name}": _oid
        for name in ("onto", "orig-head", "original-commit", "abort-safety", "autostash")
    },
    **{f"rebase-apply/{name}": _number for name in ("next", "last")},
    **{f"rebase-apply/{name}": _text for name in ("final-commit", "patch", "info")},
    "rebase-apply/rewritten": _oids,
    "rebase-apply/quoted-cr": _word,
    "rebase-apply/head-name": _ref,
    "rebase-apply/author-script": _shaped(_AUTHOR),
    "rebase-apply/apply-opt": _asking("The stopped rebase has options for git apply"),
    "rebase-apply/strategy": _STRATEGY,
    "rebase-apply/strategy_opts": _STRATEGY_OPTIONS,
    "rebase-apply/gpg_sign_opt": _SIGNING,
    "sequencer/todo": _todo,
    "sequencer/head": _oid,
    "sequencer/abort-safety": _oid,
    "sequencer/opts": _options,
}
_MAIL = re.compile(r"rebase-apply/\d{4,9}")


def check_of(name: str) -> Check | None:
    """The parser of a file of the git directory, None for one that a state may not hold."""
    return _text if _MAIL.fullmatch(name) else ALLOWED.get(name)


def collect(git_dir: Path) -> dict[str, bytes]:
    """The files of the operation under way that a state may hold, by name relative to the git directory."""
    found = {}
    for name in _present(git_dir):
        path = git_dir / name
        if check_of(name) and not path.is_symlink() and path.is_file() and path.stat().st_size <= MAX_FILE:
            found[name] = path.read_bytes()
    return found


def _present(git_dir: Path) -> Iterator[str]:
    yield from (name for name in ALLOWED if "/" not in name and (git_dir / name).exists())
    for directory in DIRECTORIES:
        if (git_dir / directory).is_dir():
            yield from sorted(f"{directory}/{path.name}" for path in (git_dir / directory).iterdir())


def checked(files: Mapping[str, bytes], consent: Consent) -> dict[str, bytes]:
    """The files that may be written; those refused are gone, and so are refused lines.

    Raises:
        FormatError: A name or a content that git would not have written.
    """
    if sum(map(len, files.values())) > MAX_TOTAL:
        raise damaged("the operation's files are too large")
    kept = {}
    for name, content in files.items():
        check = check_of(name)
        if check is None:
            raise damaged(f"{name!r:.80} is no file of an operation")
        if (safe := check(name, content, consent)) is not None:
            kept[name] = safe
    return kept


def in_progress(git_dir: Path) -> str | None:
    """The operation that is under way in a git directory, None when there is none."""
    signs = {**{name: name for name in DIRECTORIES}, "MERGE_HEAD": "merge", "CHERRY_PICK_HEAD": "cherry-pick"}
    signs |= {"REVERT_HEAD": "revert", "BISECT_LOG": "bisect"}
    return next((told for name, told in signs.items() if (git_dir / name).exists()), None)


def named_objects(files: Mapping[str, bytes]) -> list[str]:
    """Everything in the files that looks like a full object id, in order, each once."""
    found: dict[str, None] = {}
    for name, content in files.items():
        if not name.endswith(("patch", "done")) and not _MAIL.fullmatch(name) and not name.endswith("_MSG"):
            words = re.findall(r"\b[0-9a-f]{40}\b", content.decode("utf-8", "replace"))
            found.update(dict.fromkeys(words))
    return list(found)


def abbreviations(todo: bytes) -> list[str]:
    """Shortened commit names in a list of steps, as `sequencer/todo` has them."""
    return re.findall(r"(?m)^\w+ (?:-[cC] )?([0-9a-f]{4,39})\b", todo.decode("utf-8", "replace"))


def expanded(todo: bytes, full: Mapping[str, str]) -> bytes:
    """The list of steps with full commit names, which stay unique wherever it is read."""

    def replace(match: re.Match[str]) -> str:
        return match[1] + full.get(match[2], match[2])

    text = todo.decode("utf-8", "surrogateescape")
    named = re.sub(r"(?m)^(\w+ (?:-[cC] )?)([0-9a-f]{4,39})\b", replace, text)
    return named.encode("utf-8", "surrogateescape")
