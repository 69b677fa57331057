"""How many sessions of one repository are active, so that together they stay within GitHub's advice."""

from __future__ import annotations

import time
from collections.abc import Iterable

from gitsession.agent.decide import MAX_SHIP_INTERVAL
from gitsession.model import SessionName
from gitsession.replicas.base import Found

SECOND_LOOK = 30.0  # seconds after the first one, which can tell of no session whether it moves
LOOK_INTERVAL = 60.0
ACTIVE_FOR = 2 * MAX_SHIP_INTERVAL  # who pushes as seldom as it may moves within half of this


class Neighbours:
    """The sessions on one remote, and when each was last seen to have moved."""

    def __init__(self) -> None:
        self._states: dict[SessionName, str] = {}
        self._moved: dict[SessionName, float] = {}
        self._looked = False
        self._next = 0.0

    def is_due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() >= self._next

    def count(self, found: Iterable[Found], own: SessionName) -> int:
        """The sessions whose state moved lately, this one included; at first none is known of the others."""
        now = time.monotonic()
        states = {entry.session: entry.state for entry in found if not entry.finished}
        if self._looked:
            moved = {name for name, state in states.items() if self._states.get(name) != state}
            self._moved |= dict.fromkeys(moved, now)
        self._next = now + (LOOK_INTERVAL if self._looked else SECOND_LOOK)
        self._states, self._looked = states, True
        lately = (name for name, at in self._moved.items() if now - at <= ACTIVE_FOR)
        return 1 + sum(1 for name in lately if name != own and name in states)
