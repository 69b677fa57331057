"""What the agent says by itself: a deadline that comes near, work long at risk, a machine that idles."""

from __future__ import annotations

from dataclasses import replace

from gitsession.agent.decide import Facts
from gitsession.agent.ending import Ending
from gitsession.agent.events import Events

ALERTS = {
    "risk": "Work is only on this machine, and no place outside has answered for 10 minutes.",
    "idle": "No cell has run for 60 minutes: Colab may end this machine soon. "
    "`Session.wait` keeps a cell busy.",
}


class Notices:
    """The notes of a status, and the events that go with some of them.

    Args:
        ending: When the machine is expected to end.
        events: Where what happened is kept and posted.
    """

    def __init__(self, ending: Ending, events: Events) -> None:
        self.notes: dict[str, str] = {}
        self._ending = ending
        self._events = events
        self._warned_of = ending.deadline

    def warn(self, minutes: int, facts: Facts) -> Facts:
        """Say that the machine ends within so many minutes."""
        deadline = self._ending.deadline
        surely = deadline is not None and not deadline.estimate
        self.notes["deadline"] = (
            f"This machine ends within {minutes} min, as was announced."
            if surely
            else f"This machine is expected to end within {minutes} min; that is an estimate."
        )
        self._events.add("deadline", self.notes["deadline"], post=facts.warned is None)
        return replace(facts, warned=minutes)

    def alert(self, kind: str, facts: Facts) -> Facts:
        """Say what has lasted too long, a key of `ALERTS`."""
        self.notes[kind] = ALERTS[kind]
        self._events.add(kind, ALERTS[kind])
        return replace(facts, alerted=facts.alerted | {kind})

    def forget(self, facts: Facts) -> Facts:
        """Be ready to say again what was over in between."""
        since = {"risk": facts.risky_since, "idle": facts.idle_since}
        over = {kind for kind in facts.alerted if since[kind] is None}
        for kind in over:
            self.notes.pop(kind, None)
        warned = facts.warned if self._ending.deadline == self._warned_of else None
        self._warned_of = self._ending.deadline
        return replace(facts, alerted=facts.alerted - over, warned=warned)
