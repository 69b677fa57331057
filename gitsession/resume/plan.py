"""Which session is resumed, and from which copy: pure, by ancestry and counters, never by clocks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from gitsession.errors import SessionError
from gitsession.model import SessionName
from gitsession.replicas.lease import fork_name


@dataclass(frozen=True)
class Line:
    """One place's copy of a session.

    Args:
        where: `remote`, `vault`, or `local` for an earlier life of the session on this machine.
        session: Whose it is, and its name.
        state: The state commit it ends at; empty for snapshots of this machine that have none.
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
class Wanted:
    """Which session the person means.

    Args:
        login: Who they are.
        name: The session they named, as `name` or `owner/name`; None for their newest unfinished one.
        fresh: The name of a new one.
        stem: Only sessions of this name, or that begin with it and a dash, are theirs to resume unnamed.
        take_over: Another person's session is taken, not started from.
        leads: Whether a lease may be taken: not by a run that nobody watches.
        running: Sessions that an agent on this machine leads already.
    """

    login: str
    name: str | None
    fresh: str
    stem: str = ""
    take_over: bool = False
    leads: bool = True
    running: frozenset[SessionName] = frozenset()


@dataclass(frozen=True)
class Choice:
    """The session from here on, and the one whose newest copy it goes on from, if any."""

    session: SessionName
    source: SessionName | None = None

    @property
    def resumes(self) -> bool:
        """Whether the lease of the session itself is taken."""
        return self.session == self.source


@dataclass(frozen=True)
class Start:
    """Begin a session: nothing is there to continue."""


@dataclass(frozen=True)
class Continue:
    """Go on from `line`; the `others` are copies that went their own way and are kept beside it."""

    line: Line
    others: tuple[Line, ...] = ()


Plan = Start | Continue
Contains = Callable[[str, str], bool]


def choose(lines: Sequence[Line], wanted: Wanted) -> Choice:
    """The session to go on with, or to begin.

    Unnamed, it is the login's newest unfinished one: the highest open-counter; snapshot number, then name,
    break ties. Another person's session is never resumed: naming it starts one's own from it.

    Raises:
        SessionError: The named one is finished, runs on this machine, or cannot be told from others.
    """
    taken = {line.session for line in lines}
    if wanted.name is not None:
        return _named(lines, wanted, taken)
    newest = newest_unfinished(lines, wanted)
    fresh = SessionName.parse(wanted.login, wanted.fresh)
    fresh = fork_name(fresh, taken) if fresh in taken else fresh
    return Choice(newest if newest is not None and wanted.leads else fresh, newest)


def newest_unfinished(lines: Sequence[Line], wanted: Wanted) -> SessionName | None:
    """The login's session that was opened last, is not finished and does not run on this machine."""
    done = {line.session for line in lines if line.finished} | wanted.running
    own = [
        line
        for line in lines
        if line.session.login == wanted.login
        and line.session not in done
        and _is_of(line.session.name, wanted.stem)
    ]
    newest = max(own, key=lambda line: (line.counter, line.number, line.session.name), default=None)
    return None if newest is None else newest.session


def _is_of(name: str, stem: str) -> bool:
    return not stem or name == stem or name.startswith(f"{stem}-")


def _named(lines: Sequence[Line], wanted: Wanted, taken: Collection[SessionName]) -> Choice:
    owner, _, name = (wanted.name or "").rpartition("/")
    own = SessionName.parse(wanted.login, name)
    if own in taken and owner in ("", wanted.login):
        return Choice(_resumable(own, lines, wanted), own)
    named = {session for session in taken if session.name == name and owner in ("", session.login)}
    theirs = sorted(named, key=str)
    if len(theirs) > 1:
        raise SessionError(
            f"Several people have a session {name}: {', '.join(each.login for each in theirs)}.",
            safe="None of them was touched.",
            hint=f"Say whose: --session {theirs[0]}.",
        )
    if not theirs:
        if owner not in ("", wanted.login):
            raise absent(f"{owner}/{name}")
        return Choice(own)
    if wanted.take_over:
        return Choice(_resumable(theirs[0], lines, wanted), theirs[0])
    return Choice(fork_name(own, taken) if own in taken else own, theirs[0])


def absent(name: str) -> SessionError:
    """The error for somebody's session that is nowhere."""
    return SessionError(f"There is no session {name}.", hint="See `gitsession list`.")


def _resumable(session: SessionName, lines: Sequence[Line], wanted: Wanted) -> SessionName:
    """The session itself; a name of one's own beside it where no lease may be taken."""
    if any(line.finished for line in lines if line.session == session):
        raise SessionError(
            f"The session {session.name} is finished.",
            safe="Everything it saved is still where it was.",
            hint="Open without --session, or with a new name, to start from the merged base.",
        )
    if session in wanted.running:
        raise SessionError(
            f"The session {session.name} is running on this machine, in another work tree.",
            safe="It goes on.",
            hint="See `gitsession status`; close it first to have it here.",
        )
    taken = {line.session for line in lines}
    return session if wanted.leads else fork_name(SessionName.parse(wanted.login, session.name), taken)


def plan(lines: Sequence[Line], contains: Contains) -> Plan:
    """Decide what to continue among the copies of one session.

    Args:
        lines: Its copies.
        contains: Whether the first snapshot is, or has behind it, the second; rebuilt chains count.

    Returns:
        `Start` without copies. Else the copy that holds the others; where none does, the longest one, with
        those it does not hold named so that they are kept.
    """
    if not lines:
        return Start()
    for line in lines:
        if all(contains(line.snapshot, other.snapshot) for other in lines):
            return Continue(_newest_state(line, lines))
    best = max(lines, key=lambda line: (line.number, line.counter, line.where == "remote"))
    return Continue(_newest_state(best, lines), outside(best, lines, contains))


def outside(best: Line, lines: Iterable[Line], contains: Contains) -> tuple[Line, ...]:
    """The copies that neither `best` nor another of them holds, the longest first."""
    apart: list[Line] = []
    for line in sorted(lines, key=lambda line: (line.number, bool(line.state)), reverse=True):
        if not any(contains(kept.snapshot, line.snapshot) for kept in (best, *apart)):
            apart = [kept for kept in apart if not contains(line.snapshot, kept.snapshot)] + [line]
    return tuple(apart)


def _newest_state(line: Line, lines: Iterable[Line]) -> Line:
    """Of copies of one snapshot the vault's is the fuller, unless another is of a later opening."""
    same = [other for other in lines if other.snapshot == line.snapshot]
    return max(same, key=lambda other: (other.counter, other.where != "local", other.where == "vault"))
