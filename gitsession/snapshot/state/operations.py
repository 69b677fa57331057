"""What git keeps while an operation is under way (merge, rebase, cherry-pick, revert, bisect), by allow-list.

The names are those of git 2.25 to 2.50 (`builtin/rebase.c`, `builtin/am.c`, `sequencer.c`, `bisect.c`). Every
file is parsed; what would run something when the operation goes on is asked about and left out when refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gitsession.snapshot.state import checks
from gitsession.snapshot.state.checks import Check, Consent
from gitsession.snapshot.state.layout import damaged

MAX_FILE = 16_000_000
MAX_TOTAL = 64_000_000
DIRECTORIES = ("rebase-merge", "rebase-apply", "sequencer")
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
    **dict.fromkeys(("MERGE_MSG", "SQUASH_MSG", "BISECT_LOG"), checks.text),
    **dict.fromkeys(
        ("CHERRY_PICK_HEAD", "REVERT_HEAD", "ORIG_HEAD", "REBASE_HEAD", "MERGE_AUTOSTASH"), checks.oid
    ),
    **dict.fromkeys(("BISECT_HEAD", "BISECT_EXPECTED_REV", "AUTO_MERGE"), checks.oid),
    **dict.fromkeys(("BISECT_ANCESTORS_OK", "BISECT_FIRST_PARENT", "MERGE_MODE"), checks.word),
    "MERGE_HEAD": checks.oids,
    "BISECT_START": checks.start,
    "BISECT_NAMES": checks.quoted_list,
    "BISECT_TERMS": checks.terms,
    **{f"rebase-merge/{name}": checks.flag for name in _FLAGS_OF_REBASE},
    **{
        f"rebase-merge/{name}": checks.oid
        for name in ("onto", "orig-head", "stopped-sha", "amend", "autostash", "squash-onto")
    },
    **{f"rebase-merge/{name}": checks.oids for name in ("rewritten-list", "rewritten-pending")},
    **{f"rebase-merge/{name}": checks.number for name in ("msgnum", "end")},
    **{
        f"rebase-merge/{name}": checks.text
        for name in ("message", "message-squash", "message-fixup", "current-fixups", "patch", "done")
    },
    **{f"rebase-merge/{name}": checks.steps for name in ("git-rebase-todo", "git-rebase-todo.backup")},
    "rebase-merge/head-name": checks.branch,
    "rebase-merge/author-script": checks.author,
    "rebase-merge/update-refs": checks.refs_to_update,
    "rebase-merge/refs-to-delete": checks.refs_to_delete,
    "rebase-merge/strategy": checks.strategy,
    "rebase-merge/strategy_opts": checks.strategy_options,
    "rebase-merge/gpg_sign_opt": checks.signing,
    **{f"rebase-apply/{name}": checks.flag for name in _FLAGS_OF_AM},
    **{
        f"rebase-apply/{name}": checks.oid
        for name in ("onto", "orig-head", "original-commit", "abort-safety", "autostash")
    },
    **{f"rebase-apply/{name}": checks.number for name in ("next", "last")},
    **{f"rebase-apply/{name}": checks.text for name in ("final-commit", "patch", "info")},
    "rebase-apply/rewritten": checks.oids,
    "rebase-apply/quoted-cr": checks.word,
    "rebase-apply/head-name": checks.branch,
    "rebase-apply/author-script": checks.author,
    "rebase-apply/apply-opt": checks.apply_options,
    "rebase-apply/strategy": checks.strategy,
    "rebase-apply/strategy_opts": checks.strategy_options,
    "rebase-apply/gpg_sign_opt": checks.signing,
    "sequencer/todo": checks.steps,
    "sequencer/head": checks.oid,
    "sequencer/abort-safety": checks.oid,
    "sequencer/opts": checks.options,
}
_MAIL = re.compile(r"rebase-apply/\d{4,9}")


def check_of(name: str) -> Check | None:
    """The parser of a file of the git directory, None for one that a state may not hold."""
    return checks.text if _MAIL.fullmatch(name) else ALLOWED.get(name)


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
