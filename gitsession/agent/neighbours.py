"""How many sessions of one repository are active, so that together they stay within GitHub's advice."""

from __future__ import annotations

import time
from collections.abc import Iterable

from gitsession.model import SessionName
from gitsession.replicas.base import Found

LOOK_INTERVAL = 300.0


class Neighbours:
    """The sessions on one remote that moved lately."""

    def __init__(self) -> None:
        self._states: dict[SessionName, str] | None = None
        self._looked: float | None = None

    def is_due(self) -> bool:
        """Whether it is time to look again."""
        return self._looked is None or time.monotonic() - self._looked >= LOOK_INTERVAL

    def count(self, found: Iterable[Found], own: SessionName) -> int:
        """The sessions whose state moved since the last look, this one included; at first none is known."""
        before, self._looked = self._states, time.monotonic()
        self._states = {entry.session: entry.state for entry in found if not entry.finished}
        if before is None:
            return 1
        others = (name for name, state in self._states.items() if name != own and before.get(name) != state)
        return 1 + sum(1 for _ in others)
