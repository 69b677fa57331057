"""Who leads a session: pure decisions from counters, names and the monotonic clock."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from gitsession.model import SessionName
from gitsession.replicas.base import Found

UNCONFIRMED_AFTER = 60.0
_FORK = re.compile(r"(.+)-fork-(\d{1,9})")
_LONGEST_NAME = 100


class Lead(enum.Enum):
    """Whether this runtime leads its session."""

    LEADS = "leads"
    UNCONFIRMED = "unconfirmed"
    LOST = "lost"
    ALONE = "alone"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Tenure:
    """One runtime's hold on a session.

    Args:
        runtime: The runtime's id.
        counter: Its open-counter: one more than that of the runtime before.
        confirmed: When the remote was last seen to agree, in seconds of the monotonic clock; None while it
            never was.
        lost: The remote was seen to disagree.
        remote: Whether there is a remote to agree at all; with a vault only, nobody can be asked.
    """

    runtime: str
    counter: int
    confirmed: float | None = None
    lost: bool = False
    remote: bool = True

    def lead(self, now: float) -> Lead:
        """Whether it leads, at `now` on the monotonic clock.

        Example:
            >>> Tenure("r1", 1, confirmed=100.0).lead(161.0)
            <Lead.UNCONFIRMED: 'unconfirmed'>
        """
        if self.lost:
            return Lead.LOST
        if not self.remote:
            return Lead.ALONE
        fresh = self.confirmed is not None and now - self.confirmed <= UNCONFIRMED_AFTER
        return Lead.LEADS if fresh else Lead.UNCONFIRMED

    def agreed(self, now: float) -> Tenure:
        """The remote acknowledged something, or was seen to hold what this runtime put there."""
        return replace(self, confirmed=now)

    def disagreed(self) -> Tenure:
        """The remote names something else: it is over, for good."""
        return replace(self, lost=True)


def next_counter(found: Iterable[Found], session: SessionName) -> int:
    """The open-counter of the runtime that opens a session now: above all that any place knows.

    A place that was asked without details counts as one that was opened once.
    """
    known = [one.counter if one.counter is not None else 1 for one in found if one.session == session]
    return max(known, default=0) + 1


def fork_name(session: SessionName, taken: Collection[SessionName]) -> SessionName:
    """The first free `<name>-fork-<k>`; a fork's fork goes on counting instead of growing a longer name.

    It never counts back: a fork that lost its name may have lost those before it too.

    Example:
        >>> fork_name(SessionName("ada", "lesson"), [])
        SessionName(login='ada', name='lesson-fork-1')
    """
    match = _FORK.fullmatch(session.name)
    stem = match[1] if match is not None else session.name
    used = {one.name for one in (*taken, session) if one.login == session.login}
    number = int(match[2]) + 1 if match is not None else 1
    while (name := _fitted(stem, f"-fork-{number}")) in used:
        number += 1
    return SessionName.parse(session.login, name)


def _fitted(stem: str, ending: str) -> str:
    return stem[: _LONGEST_NAME - len(ending)].rstrip("._-") + ending
