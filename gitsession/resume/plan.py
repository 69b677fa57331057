"""Which session is resumed, and from which copy: pure, by ancestry and counters, never by clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gitsession.errors import SessionError
from gitsession.model import SessionName


@dataclass(frozen=True)
class Line:
    """One place's copy of a session.

    Args:
        where: The replica's name, `remote` or `vault`.
        session: Whose it is, and its name.
        state: The state commit it ends at; empty for snapshots of this machine that have none yet.
        snapshot: The newest snapshot it holds.
        number: That snapshot's number.
        counter: How often the session had been opened.
        finished: `finish` was called on it.
    """

    where: str
    session: SessionName
    state: str
    snapshot: str
    number: int
    counter: int
    finished: bool = False


@dataclass(frozen=True)
class Start:
    """Begin a session: nothing is there to continue."""


@dataclass(frozen=True)
class Continue:
    """Go on from `line`; `other` is a copy that went its own way and is kept beside it, never dropped."""

    line: Line
    other: Line | None = None


Plan = Start | Continue
Contains = Callable[[str, str], bool]


def choose(lines: Iterable[Line], login: str, name: str | None) -> SessionName | None:
    """The session to resume: the one named, else the login's newest unfinished one; None when there is none.

    The newest is the one with the highest open-counter; snapshot number, then name, break ties.

    Raises:
        SessionError: The named one is finished.
    """
    own = [line for line in lines if line.session.login == login]
    if name is not None:
        return _named(own, SessionName.parse(login, name))
    finished = {line.session for line in own if line.finished}
    open_lines = [line for line in own if line.session not in finished]
    newest = max(open_lines, key=lambda line: (line.counter, line.number, line.session.name), default=None)
    return None if newest is None else newest.session


def _named(own: Sequence[Line], session: SessionName) -> SessionName | None:
    mine = [line for line in own if line.session == session]
    if any(line.finished for line in mine):
        raise SessionError(
            f"The session {session.name} is finished.",
            safe="Everything it saved is still where it was.",
            hint="Open without --session, or with a new name, to start from the merged base.",
        )
    return session if mine else None


def plan(lines: Sequence[Line], contains: Contains) -> Plan:
    """Decide what to continue among the copies of one session.

    Args:
        lines: Its copies, at most one per place.
        contains: Whether the first snapshot is, or has behind it, the second; rebuilt chains count.

    Returns:
        `Start` without copies. Else the copy that holds the other; where neither does, the longer one,
        with the other named so that it is kept.
    """
    if not lines:
        return Start()
    best = max(lines, key=lambda line: (line.number, line.counter, line.where == "remote"))
    for line in lines:
        if all(contains(line.snapshot, other.snapshot) for other in lines):
            return Continue(_newest_state(line, lines))
    other = next(line for line in lines if line is not best)
    return Continue(best, None if contains(best.snapshot, other.snapshot) else other)


def _newest_state(line: Line, lines: Sequence[Line]) -> Line:
    """Of copies of one snapshot the vault's is the fuller, unless the remote's is of a later opening."""
    same = [other for other in lines if other.snapshot == line.snapshot]
    return max(same, key=lambda other: (other.counter, other.where == "vault"))


def fork_name(session: SessionName, taken: Iterable[SessionName]) -> SessionName:
    """The first free `<name>-fork-<k>`, k from 1."""
    used = set(taken)
    number = 1
    while (fork := SessionName(session.login, f"{session.name}-fork-{number}")) in used:
        number += 1
    return fork
