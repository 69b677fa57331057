"""A snapshot's commit message: a subject for people and one block of trailers for machines.

GitHub starts no Actions run for a message whose trailers end with `skip-checks: true`, and wants two empty
lines before the block; other services look for `[skip ci]`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gitsession.errors import FormatError
from gitsession.model import SessionName
from gitsession.snapshot.values import Head

SUBJECT_WIDTH = 100
_NAMED_PATHS = 2
_TRAILER = re.compile(r"(?P<key>[A-Za-z][A-Za-z-]*): (?P<value>.*)")
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class SnapshotMessage:
    """What a snapshot's message says.

    Args:
        session: The session it belongs to.
        number: Its number in the session.
        runtime: The id of the runtime that took it.
        head: Where the user's HEAD stood.
        held: How many paths had newer content that was left out.
        replaces: The commit that this one stands for after a rebuild.
        ran: The command or cell before it, one line of JSON.
        subject: The first line, for people.
    """

    session: SessionName
    number: int
    runtime: str
    head: Head
    held: int = 0
    replaces: str | None = None
    ran: str | None = None
    subject: str = ""


def subject_for(changed: Sequence[str]) -> str:
    """A line such as `wip: train.py, notebooks/a.ipynb (+2 more)`."""
    if not changed:
        return "wip: no file changed"
    named = ", ".join(map(_printable, changed[:_NAMED_PATHS]))
    more = len(changed) - _NAMED_PATHS
    return _one_line(f"wip: {named}" + (f" (+{more} more)" if more > 0 else ""))


def message(told: SnapshotMessage) -> bytes:
    """The commit message that says all this; `parse` reads it back."""
    trailers = [
        ("Gitsession-Session", str(told.session)),
        ("Gitsession-Snapshot", str(told.number)),
        ("Gitsession-Runtime", told.runtime),
        ("Gitsession-Head", f"{told.head.ref or 'detached'} {told.head.commit or 'unborn'}"),
        *([("Gitsession-Held", str(told.held))] if told.held else []),
        *([("Gitsession-Replaces", told.replaces)] if told.replaces else []),
        *([("Gitsession-Ran", told.ran)] if told.ran else []),
        ("skip-checks", "true"),
    ]
    block = "\n".join(f"{key}: {' '.join(value.split())}" for key, value in trailers)
    text = f"{_one_line(told.subject)}\n\n[skip ci]\n\n\n{block}\n"
    return text.encode("utf-8", "backslashreplace")


def parse(text: bytes | str) -> SnapshotMessage:
    """Read a snapshot's message.

    Raises:
        FormatError: It is not a snapshot's message.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    found = _block(text)
    try:
        ref, _, commit = found["Gitsession-Head"].partition(" ")
        return SnapshotMessage(
            session=SessionName.parse(*found["Gitsession-Session"].split("/", 1)),
            number=int(found["Gitsession-Snapshot"]),
            runtime=found["Gitsession-Runtime"],
            head=Head(None if ref == "detached" else ref, commit if _OID.fullmatch(commit) else None),
            held=int(found.get("Gitsession-Held", "0")),
            replaces=_oid(found.get("Gitsession-Replaces")),
            ran=found.get("Gitsession-Ran"),
            subject=text.split("\n", 1)[0],
        )
    except (KeyError, ValueError, TypeError) as problem:
        raise FormatError(
            f"This is not the message of a snapshot: {problem}.",
            hint="Somebody else committed to the session's branch: move that commit to another one.",
        ) from problem


def is_snapshot(text: bytes | str) -> bool:
    """Whether a commit message is a snapshot's."""
    try:
        parse(text)
    except FormatError:
        return False
    return True


def _block(text: str) -> dict[str, str]:
    """The trailers of the last paragraph."""
    last = text.rstrip("\n").rsplit("\n\n", 1)[-1]
    lines = (_TRAILER.fullmatch(line) for line in last.splitlines())
    return {match["key"]: match["value"] for match in lines if match}


def _oid(value: str | None) -> str | None:
    if value is not None and not _OID.fullmatch(value):
        raise ValueError(f"{value!r} is no object id")
    return value


def _printable(path: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in path)


def _one_line(text: str) -> str:
    line = "".join(c if c.isprintable() else " " for c in text).strip() or "wip"
    return line if len(line) <= SUBJECT_WIDTH else f"{line[: SUBJECT_WIDTH - 1]}…"


def summary(paths: Collection[str], subject: str | None) -> str:
    """The subject that was asked for, else one made from the changed paths."""
    return _one_line(subject) if subject else subject_for(sorted(paths))
