"""The few facts of a state commit that a replica needs, read without reading the whole state.

They stand in the small files `session.json` (number) and `lease.json` (counter, runtime) of its tree; its
first parent is its snapshot, whose time it carries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gitsession.errors import GitError
from gitsession.git import lookup
from gitsession.git.command import Repository

MOST = 1 << 20  # bytes of a file that is worth reading


@dataclass(frozen=True)
class Peek:
    """What a state commit says in short; each is None where it is unknown.

    Args:
        snapshot: Its snapshot.
        number: That one's number.
        counter: The open-counter of its lease.
        branch: HEAD's branch.
        published: What the remote had of the session: `branch`, `state`, or nothing.
        runtime: Who leads by its lease.
        at: When its snapshot was taken by that one's clock, in seconds since 1970.
    """

    snapshot: str | None = None
    number: int | None = None
    counter: int | None = None
    branch: str | None = None
    published: str | None = None
    runtime: str | None = None
    at: float | None = None


def peek(repository: Repository, state: str) -> Peek:
    """Look at a state commit; what is damaged or not here is None."""
    names = [f"{state}^{{commit}}", *(f"{state}:{name}" for name in ("session.json", "lease.json", "HEAD"))]
    try:
        known = lookup.kinds_and_sizes(repository, names)
        small = [seen[0] for seen in known if seen is not None and seen[2] <= MOST]
        found = dict(zip(small, lookup.contents(repository, small), strict=True))
    except GitError:
        return Peek()
    commit, session, lease, head = (found.get(seen[0]) or b"" if seen else b"" for seen in known)
    headers = commit.split(b"\n\n")[0].split(b"\n")
    parents = [line[7:].decode() for line in headers if line.startswith(b"parent ")]
    return Peek(
        parents[0] if parents else None,
        _number(session, "number"),
        _number(lease, "counter"),
        _branch(head),
        _text(lease, "published"),
        _text(lease, "runtime"),
        _time(headers),
    )


def _field(content: bytes, name: str) -> object:
    try:
        value: object = json.loads(content)[name]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return value


def _number(content: bytes, name: str) -> int | None:
    value = _field(content, name)
    return value if type(value) is int and value >= 0 else None


def _text(content: bytes, name: str) -> str | None:
    value = _field(content, name)
    return value if isinstance(value, str) else None


def _time(headers: Sequence[bytes]) -> float | None:
    words = next((line.split() for line in headers if line.startswith(b"committer ")), [])
    return float(words[-2]) if len(words) > 2 and re.fullmatch(rb"\d{1,12}", words[-2]) else None


def _branch(head: bytes) -> str | None:
    """The branch that the state's `HEAD` names, short; None where it is detached or unknown."""
    ref = head.decode("utf-8", "replace").strip().removeprefix("ref: ")
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") and ref.isprintable() else None
