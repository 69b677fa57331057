"""The names and headers of a vault's files, and what a listing of them means: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gitsession.errors import FormatError, SessionError
from gitsession.git.bundle import Header
from gitsession.model import SessionName, Skipped

SNAPSHOT_REF = "refs/gitsession-snapshot"
COUNTER_REF = "refs/gitsession-counter"
EDITOR = "editor/"  # the editor's settings, which are no part of any session
_OID = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"
# Drive names a duplicate `name (1)`; the hash in the name still says whether it is whole
_COPY = r"(?: \(\d+\))?"
_INCREMENT = re.compile(rf"([1-9]\d*|0)-({_OID})\.([0-9a-f]{{64}})\.bundle{_COPY}")
_BASE = re.compile(rf"({_OID})\.([0-9a-f]{{64}})\.bundle{_COPY}")
CONDEMNED = ".condemned"
_HELD = re.compile(rf"([0-9a-f]{{64}}){_COPY}")
_CONDEMNED = re.compile(rf"([0-9a-f]{{64}}){re.escape(CONDEMNED)}")
_MARK = re.compile(rf"(finished|removable)-({_OID}){_COPY}")
_VERSION = re.compile(r"gitsession-v(\d{1,6})")
_RUNTIME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Increment:
    """A bundle of one session: the `number`-th of its runtime, which ends at the state commit `state`."""

    path: str
    session: SessionName
    runtime: str
    number: int
    state: str
    sha256: str


@dataclass(frozen=True)
class Base:
    """A bundle of the user's own history up to the commit `oid`."""

    path: str
    oid: str
    sha256: str


@dataclass(frozen=True)
class Mark:
    """What a runtime noted about a session that ends at `state`: `finished`, or `removable` from now on."""

    kind: str
    session: SessionName
    runtime: str
    state: str

    @property
    def name(self) -> str:
        """The name of its empty file."""
        return f"{self.kind}-{self.state}"


@dataclass(frozen=True)
class Listing:
    """What a repository's folder in a vault holds; what has no place there is `skipped`.

    `condemned` are the held contents that a later runtime may remove.
    """

    increments: tuple[Increment, ...] = ()
    bases: tuple[Base, ...] = ()
    held: Mapping[str, str] = field(default_factory=dict)
    condemned: frozenset[str] = frozenset()
    marks: tuple[Mark, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def of(self, session: SessionName) -> dict[str, tuple[Increment, ...]]:
        """A session's increments by runtime, oldest first."""
        found: dict[str, list[Increment]] = {}
        for increment in sorted(self.increments, key=lambda one: one.number):
            if increment.session == session:
                found.setdefault(increment.runtime, []).append(increment)
        return {runtime: tuple(increments) for runtime, increments in found.items()}

    @property
    def finished(self) -> frozenset[SessionName]:
        """The sessions that `finish` was called on."""
        return frozenset(mark.session for mark in self.marks if mark.kind == "finished")

    @property
    def sessions(self) -> tuple[SessionName, ...]:
        """Every session that has an increment, in order."""
        return tuple(sorted({one.session for one in self.increments}, key=str))


@dataclass(frozen=True)
class Claim:
    """What a bundle's header says of where it ends; it is believed once the objects are there."""

    snapshot: str | None = None
    number: int | None = None
    counter: int | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """Orders copies of one session: by open-counter, then by snapshot."""
        return (self.counter or 0, self.number or 0)


def increment_name(number: int, state: str, sha256: str) -> str:
    """The name of a runtime's `number`-th bundle."""
    return f"{number}-{state}.{sha256}.bundle"


def base_name(oid: str, sha256: str) -> str:
    """The name of a bundle of the user's history."""
    return f"{oid}.{sha256}.bundle"


def refs_for(session: SessionName, snapshot: str, number: int, state: str, counter: int) -> dict[str, str]:
    """The refs of an increment's header."""
    return {
        session.state_ref: state,
        f"{SNAPSHOT_REF}/{number}": snapshot,
        f"{COUNTER_REF}/{counter}": state,
    }


def claim(header: Header) -> Claim:
    """Read the refs that `refs_for` wrote; what is missing is None."""
    snapshot, number = _numbered(header, SNAPSHOT_REF)
    return Claim(snapshot, number, _numbered(header, COUNTER_REF)[1])


def _numbered(header: Header, prefix: str) -> tuple[str | None, int | None]:
    for ref, oid in header.refs.items():
        text = ref.removeprefix(f"{prefix}/")
        if text != ref and re.fullmatch(r"\d{1,15}", text):
            return oid, int(text)
    return None, None


def newest_version(entries: Iterable[str]) -> int:
    """The highest format version that a storage folder's names tell of, 0 where there is none."""
    return max((int(match[1]) for entry in entries if (match := _VERSION.fullmatch(entry))), default=0)


def written_by_a_newer(storage: Path) -> FormatError:
    """The error for a storage whose format this version does not know."""
    return FormatError(
        f"The storage {storage} was written by a newer gitsession.",
        safe="Nothing there was touched.",
        hint="Upgrade with `pip install --upgrade gitsession`.",
    )


def read_listing(paths: Iterable[str]) -> Listing:
    """Sort a vault's files; a name that is none of ours is skipped with its reason."""
    increments: dict[tuple[SessionName, str, int, str], Increment] = {}
    bases: dict[str, Base] = {}
    held: dict[str, str] = {}
    condemned: set[str] = set()
    marks: list[Mark] = []
    skipped: list[Skipped] = []
    for path in paths:
        if path.startswith(EDITOR):
            continue
        found = _read(path)
        if isinstance(found, Increment):
            key = (found.session, found.runtime, found.number, found.sha256)
            increments[key] = min(increments.get(key, found), found, key=lambda one: len(one.path))
        elif isinstance(found, Base):
            bases.setdefault(found.sha256, found)
        elif isinstance(found, Skipped):
            skipped.append(found)
        elif isinstance(found, Mark):
            marks.append(found)
        elif isinstance(found, str):
            condemned.add(found)
        else:
            held.setdefault(found[0], found[1])
    return Listing(
        tuple(increments.values()),
        tuple(bases.values()),
        held,
        frozenset(condemned),
        tuple(marks),
        tuple(skipped),
    )


def _read(path: str) -> Increment | Base | Mark | tuple[str, str] | str | Skipped:
    parts = path.split("/")
    if len(parts) == 5 and parts[0] == "sessions":
        return _read_session_file(path, parts[1], parts[2], parts[3], parts[4])
    if len(parts) == 2 and parts[0] == "base" and (match := _BASE.fullmatch(parts[1])):
        return Base(path, match[1], match[2])
    if len(parts) == 2 and parts[0] == "held" and (match := _HELD.fullmatch(parts[1])):
        return match[1], path
    if len(parts) == 2 and parts[0] == "held" and (match := _CONDEMNED.fullmatch(parts[1])):
        return match[1]
    return Skipped(path, "not a file of gitsession's")


def _read_session_file(
    path: str, login: str, name: str, runtime: str, file: str
) -> Increment | Mark | Skipped:
    try:
        session = SessionName.parse(login, name)
    except SessionError as refused:
        return Skipped(path, refused.what)
    if not _RUNTIME.fullmatch(runtime):
        return Skipped(path, "not a runtime's folder")
    if match := _INCREMENT.fullmatch(file):
        return Increment(path, session, runtime, int(match[1]), match[2], match[3])
    if match := _MARK.fullmatch(file):
        return Mark(match[1], session, runtime, match[2])
    return Skipped(path, "not a file of gitsession's")
