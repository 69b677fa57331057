"""Where the user's HEAD stands, without a process: it is asked for before every snapshot."""

from __future__ import annotations

import re
from pathlib import Path

from gitsession.git import refs
from gitsession.snapshot.user import UserRepository
from gitsession.snapshot.values import Head

_OID = re.compile(r"[0-9a-f]{40}")
_SYMBOLIC = "ref: "


def head(user: UserRepository) -> Head:
    """The branch and the commit that are checked out; git is asked where its files do not say.

    Raises:
        GitError: HEAD is damaged.
    """
    text = _read(user.git_dir / "HEAD")
    if _OID.fullmatch(text):
        return Head(None, text)
    ref = text.removeprefix(_SYMBOLIC)
    if not text.startswith(f"{_SYMBOLIC}refs/heads/") or ref == "refs/heads/.invalid":
        return Head(*refs.head(user.repository, refs.listed(user.repository, "refs/heads/")))
    commit = _read(user.common_dir / ref) or _packed(user.common_dir / "packed-refs", ref)
    return Head(ref, commit if _OID.fullmatch(commit) else None)


def _packed(path: Path, ref: str) -> str:
    for line in _read(path).splitlines():
        oid, _, name = line.partition(" ")
        if name == ref:
            return oid
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape").strip()
    except OSError:
        return ""
