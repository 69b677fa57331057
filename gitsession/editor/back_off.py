"""How long to wait before something of the editor that ended is started again."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_DELAY = 30.0
STEADY = 60.0


@dataclass(frozen=True)
class BackOff:
    """How long to wait before the next restart: 0.5 s, doubled each time, at most `LONGEST_DELAY`.

    Args:
        failures: Restarts since it last ran steadily.
    """

    failures: int = 0

    @property
    def delay(self) -> float:
        """Seconds to wait."""
        return min(LONGEST_DELAY, 0.5 * 2.0 ** min(self.failures, 16))

    def after(self, lived: float) -> BackOff:
        """The state after a server that lived so many seconds has died."""
        return BackOff(0) if lived >= STEADY else BackOff(self.failures + 1)
