"""What a flush waits for, and what is missing until then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from gitsession.agent.holding import Holding
from gitsession.agent.lane import Lane
from gitsession.model import Held, Level
from gitsession.snapshot.state.kept import KeptFile

NAMED = 5


@dataclass(eq=False)
class Demand:
    """Somebody waits until everything up to now is kept.

    Args:
        level: How strongly; None for whatever each replica that answers can give.
        since: When it was asked for, on the monotonic clock.
        generation: What must be shipped; None until the snapshot that it asked for was taken.
        tried: The snapshot was tried; after a failure it is not tried without end.
        asked: What the contents' thread was asked for; None until the snapshot was taken.
        settled: Held and kept files are stored, as far as that can be.
        done: Set when there is no more to wait for.
    """

    level: Level | None
    since: float = field(default_factory=time.monotonic)
    generation: int | None = None
    tried: bool = False
    asked: int | None = None
    settled: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    def renew(self, generation: int) -> None:
        """Wait for what has come since, such as what may not leave and is held now."""
        if self.generation is not None:
            self.generation, self.asked, self.settled = generation, None, False

    def wants(self, lane: Lane) -> bool:
        """Whether a lane should ship for it at once."""
        if self.generation is None or self.level is Level.LOCAL or lane.generation >= self.generation:
            return False
        return self.level is not None or not self._failed(lane)

    def is_over(self, lanes: Sequence[Lane], left: Sequence[str]) -> bool:
        """Whether waiting longer makes no difference: all is there, or every replica has said no."""
        generation = self.generation
        if generation is None:
            return False
        if self.level is Level.LOCAL:
            return True
        if not self.settled:
            return False
        if not self.missing(lanes, left):
            return True
        if self.level is None:
            return not any(self.wants(lane) for lane in lanes)
        late = any(lane.generation < generation and not self._failed(lane) for lane in lanes)
        return not late and not self._missing_replicas(lanes, generation)

    def missing(self, lanes: Sequence[Lane], left: Sequence[str]) -> tuple[str, ...]:
        """What stands in the way, for people; empty when it is met.

        Args:
            lanes: The replicas.
            left: What no replica will get, such as held files, each for people.
        """
        if self.generation is None:
            return ("the snapshot could not be taken",)
        if self.level is Level.LOCAL:
            return tuple(left)
        unsettled = () if self.settled else ("held and kept files are still being stored",)
        return (*self._missing_replicas(lanes, self.generation), *left, *unsettled)

    def _missing_replicas(self, lanes: Sequence[Lane], generation: int) -> tuple[str, ...]:
        wanted = self.level or Level.NONE
        there = [lane for lane in lanes if _has(lane, generation, wanted)]
        late = [_late(lane) for lane in lanes if lane not in there]
        if self.level is not None:
            return () if there else tuple(late) or (f"no place can make it {self.level}",)
        answering = [_late(lane) for lane in lanes if lane not in there and not self._failed(lane)]
        if there:
            return tuple(answering)
        return tuple(late) or ("there is neither a vault nor a remote",)

    def _failed(self, lane: Lane) -> bool:
        return lane.failed_at is not None and lane.failed_at >= self.since


class Demands:
    """Everybody who waits now; asked and told from any thread, settled on the agent's main thread.

    Args:
        lanes: The places to ship to.
        left: What no replica gets at a level, each for people.
    """

    def __init__(self, lanes: Sequence[Lane], left: Callable[[Level | None], Sequence[str]]) -> None:
        self._lanes = lanes
        self._left = left
        self._open: list[Demand] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    @property
    def untried(self) -> bool:
        """Whether somebody waits for a snapshot that was not tried yet."""
        return any(demand.generation is None and not demand.tried for demand in self._open)

    def add(self, level: Level | None) -> Demand:
        """Somebody waits from now on."""
        demand = Demand(level)
        self._open.append(demand)
        return demand

    def drop(self, demand: Demand) -> None:
        """Nobody waits for it any more."""
        with suppress(ValueError):  # another thread may have done so already
            self._open.remove(demand)

    def wants(self, lane: Lane) -> bool:
        """Whether a lane should ship at once."""
        return any(demand.wants(lane) for demand in self._open)

    def missing(self, demand: Demand) -> tuple[str, ...]:
        """What stands in its way, for people."""
        return demand.missing(self._lanes, self._left(demand.level))

    def try_now(self) -> tuple[Demand, ...]:
        """Those whose snapshot is taken now."""
        waiting = tuple(demand for demand in self._open if demand.generation is None)
        for demand in waiting:
            demand.tried = True
        return waiting

    def renew(self, generation: int) -> None:
        """All wait for what has come since."""
        for demand in self._open:
            demand.renew(generation)

    def settle_contents(self, holding: Holding, generation: int) -> None:
        """Let those go on whose held and kept files are stored, as far as that can be."""
        for demand in self._open:
            if demand.generation is None or demand.settled:
                continue
            if demand.asked is None:
                demand.asked = holding.ask(urgent=True)
            elif holding.is_settled(demand.asked):
                demand.settled, demand.generation = True, generation

    def end_those_over(self) -> None:
        """Answer those for whom waiting longer makes no difference."""
        for demand in list(self._open):
            if demand.is_over(self._lanes, self._left(demand.level)):
                demand.done.set()
                self.drop(demand)


@dataclass(eq=False)
class Closing:
    """The agent has been told to end: with a last flush until `until`, on the monotonic clock."""

    demand: Demand | None
    until: float
    missing: tuple[str, ...] = ()
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Whether the last flush is over, or its time."""
        return self.demand is None or self.demand.done.is_set() or time.monotonic() >= self.until


def _has(lane: Lane, generation: int, level: Level) -> bool:
    ack = lane.acknowledged
    return lane.generation >= generation and ack is not None and ack.level >= level


def _late(lane: Lane) -> str:
    if lane.error:
        return f"{lane.name}: {lane.error}"
    ack = lane.acknowledged
    if ack is not None and not lane.busy:
        return f"{lane.name} is {ack.level}" + (f" ({ack.note})" if ack.note else "")
    return f"{lane.name} has not answered yet"


def left_behind(
    held: Sequence[Held], kept: Sequence[KeptFile], at_risk: Sequence[str], level: Level | None
) -> tuple[str, ...]:
    """The files whose newest content is not kept at a level, each with its reason, the first few by name."""
    wanted = level or Level.STORED
    found = [f"{item.path} ({item.reason})" for item in held if item.level < wanted]
    if wanted > Level.LOCAL:
        found += [f"{file.path} (kept for the vault)" for file in kept if file.level < wanted]
    found += [f"{path} (git leaves it out)" for path in at_risk]
    more = len(found) - NAMED
    return (*found[:NAMED], *([f"{more} more files"] if more > 0 else []))
