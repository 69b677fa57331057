"""Which paths have their newest content on this machine alone."""

from __future__ import annotations

from collections.abc import Iterable

from gitsession.agent.lane import Lane
from gitsession.model import Level
from gitsession.replicas.base import Acknowledgement


class Risk:
    """The snapshots in which paths last changed, for those that no replica has yet."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self.paths: tuple[str, ...] = ()

    def note(self, paths: Iterable[str], number: int) -> None:
        """Paths changed in a snapshot."""
        self._newest.update(dict.fromkeys(paths, number))

    def look(self, lanes: Iterable[Lane], others: Iterable[str]) -> None:
        """Find out anew what is at risk, `others` being at risk whatever the replicas have."""
        best = stored(lanes)
        number = best.number if best else 0
        self._newest = {path: changed for path, changed in self._newest.items() if changed > number}
        self.paths = tuple(sorted({*self._newest, *others}))


def stored(lanes: Iterable[Lane]) -> Acknowledgement | None:
    """The newest acknowledgement of a place that outlives this machine."""
    known = (lane.acknowledged for lane in lanes)
    kept = (ack for ack in known if ack is not None and ack.level >= Level.STORED)
    return max(kept, key=lambda ack: ack.number, default=None)
