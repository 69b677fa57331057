"""What the remote and the vault hold of a repository's sessions, and how two copies relate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gitsession.errors import GitError, GitsessionError, StorageError
from gitsession.git import Repository, transfer
from gitsession.model import SessionName
from gitsession.replicas.base import Found
from gitsession.resume.plan import Line
from gitsession.snapshot import state


class Source(Protocol):
    """A replica that can be asked what it holds."""

    @property
    def name(self) -> str:
        """`remote` or `vault`."""
        ...

    def find(self, *, details: bool = False) -> tuple[Found, ...]:
        """The sessions that it holds."""
        ...

    def fetch(self, session: SessionName) -> str:
        """Bring a session's objects into the shadow repository; answers with its state commit."""
        ...


@dataclass(frozen=True)
class Search:
    """What was found, and which place could not be asked, with its error."""

    found: tuple[Found, ...]
    failures: Mapping[str, GitsessionError]


def search(sources: Sequence[Source]) -> Search:
    """Ask every place; one that is down is noted and stops no other."""
    found: list[Found] = []
    failures: dict[str, GitsessionError] = {}
    for source in sources:
        try:
            found.extend(source.find(details=True))
        except (GitError, StorageError, GitsessionError) as error:
            failures[source.name] = error
    return Search(tuple(found), failures)


def glimpse(found: Found) -> Line:
    """What a listing tells of a copy, without having fetched it."""
    return Line(
        found.where,
        found.session,
        found.state,
        found.snapshot or "",
        found.number or 0,
        found.counter or 0,
        found.finished,
    )


def fetch(
    sources: Sequence[Source], found: Sequence[Found], session: SessionName, shadow: Repository
) -> tuple[list[Line], list[str]]:
    """Bring the copies of one session here and read them.

    Returns:
        One line per copy, and a note for the person about each that could not be had.
    """
    holders = {entry.where: entry for entry in found if entry.session == session}
    lines: list[Line] = []
    notes: list[str] = []
    for source in (source for source in sources if source.name in holders):
        try:
            lines.append(_read(source.name, source.fetch(session), shadow, holders[source.name].finished))
        except GitsessionError as error:
            notes.append(f"The copy of {session.name} in the {source.name} could not be read: {error.what}")
    return lines, notes


def _read(where: str, commit: str, shadow: Repository, finished: bool) -> Line:
    there = state.read(shadow, commit)
    return Line(where, there.session, commit, there.snapshot, there.number, there.lease.counter, finished)


def containment(shadow: Repository) -> Callable[[str, str], bool]:
    """Whether a snapshot is, or has behind it, another; what a rebuilt chain replaced counts."""

    def contains(newer: str, older: str) -> bool:
        tips = (newer, *_replaced(shadow, newer))
        return newer == older or any(transfer.is_ancestor(shadow, older, tip) for tip in tips)

    return contains


def _replaced(shadow: Repository, tip: str) -> tuple[str, ...]:
    form = "%(trailers:key=Gitsession-Replaces,valueonly,separator=%x20)"
    return tuple(shadow.text("log", "--first-parent", f"--format={form}", tip, "--").split())
