"""The agent: one thread decides and takes snapshots, each replica ships on its own, anybody may ask."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import replace

from gitsession.agent.completing import Completing
from gitsession.agent.decide import Alert, Facts, Pace, Ship, Take, Wait, Warn, decide
from gitsession.agent.demand import Closing
from gitsession.agent.lane import Lane, Outcome
from gitsession.agent.parts import Parts
from gitsession.agent.recovery import arrived, recover
from gitsession.agent.taking import Taking
from gitsession.model import Level
from gitsession.replicas.vault import Vault

LANE_PATIENCE = 2.0


class Agent(Taking):
    """One session's agent, in the process that it has for itself.

    Args:
        parts: What it is made of.
        woken: Set by whatever gives it something new to decide.
    """

    def __init__(self, parts: Parts, woken: threading.Event) -> None:
        lanes = [Lane(replica, parts.shipments.prepare, self._on_outcome) for replica in parts.replicas]
        super().__init__(parts, lanes, woken)
        self._woken = woken
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._closing: Closing | None = None
        self.completing = Completing(
            parts.shipments.user, parts.credentials, lambda: self.jobs.add(self._completed), parts.log
        )

    @property
    def closing(self) -> bool:
        """Whether it has been told to end."""
        return self._closing is not None

    def run(self) -> None:
        """Save and ship until told to end."""
        self.parts.holding.start()
        self.parts.ending.start()
        self.completing.start()
        self.parts.reviewing.start()
        while not self._is_over():
            self._woken.clear()
            self._settle_outcomes()
            self.jobs.do()
            self.settle_contents()
            until = self._act()
            if not self._is_over():
                self._woken.wait(None if until is None else max(0.0, until - time.monotonic()))
        self._end()

    def release(self) -> None:
        """Let go of processes and files, once it has ended."""
        self.parts.saver.snapshots.close()
        for lane in self.lanes:
            if isinstance(lane.replica, Vault):
                lane.replica.close()
        self.parts.saver.shadow.close()
        self.parts.log.close()

    def flush(self, seconds: float, level: Level | None) -> tuple[str, ...]:
        """Have everything saved and shipped at once, from any thread; answers with what is missing."""
        demand = self.demands.add(level)
        self._woken.set()
        demand.done.wait(seconds)
        missing = self.demands.missing(demand)
        self.demands.drop(demand)
        return missing

    def close(self, seconds: float, *, flush: bool) -> tuple[str, ...]:
        """End, from any thread, after a last flush of so many seconds; answers with what is missing."""
        if self._closing is None:
            demand = self.demands.add(None) if flush else None
            self._closing = Closing(demand, time.monotonic() + seconds)
        self._woken.set()
        self._closing.done.wait(seconds + LANE_PATIENCE * 2)
        return self._closing.missing

    def wake(self) -> None:
        """Have it look at once for what is due, from any thread."""
        self._woken.set()

    def _act(self) -> float | None:
        """Carry out what is due; answers when to look again."""
        self.tell_of_killed()
        *actions, wait = decide(self._gather(), time.monotonic(), self._pace())
        for action in actions:
            match action:
                case Take(sweep=sweep):
                    self.take(sweep=sweep)
                case Ship(replica=name):
                    self._lane(name).ship(self.generation)
                case Warn(minutes=minutes):
                    self.facts = self.notices.warn(minutes, self.facts)
                case Alert(kind=kind):
                    self.facts = self.notices.alert(kind, self.facts)
        self.demands.end_those_over()
        if actions:
            return time.monotonic()
        until = wait.until if isinstance(wait, Wait) else None
        if self._closing is not None:
            until = self._closing.until if until is None else min(until, self._closing.until)
        return until

    def _pace(self) -> Pace:
        return Pace(self.configuration.quiet, self.configuration.max_age)

    def _gather(self) -> Facts:
        now = time.monotonic()
        marked = self.parts.marks.look()
        ending = self.parts.ending
        generation = self.generation if self.parts.saver.shadow.tip() is not None else 0
        self.facts = replace(
            self.facts,
            dirty_since=marked.first,
            last_event=marked.last,
            lost_events=marked.lost,
            watching=self.parts.watcher.watching,
            recent_snapshots=self.recently_taken(self._pace().busy_window),
            held_until=self.parts.saver.large.until,
            demanded=self.demands.untried,
            replicas=tuple(lane.facts(generation, urgent=self.demands.wants(lane)) for lane in self.lanes),
            deadline=None if ending.deadline is None else now + ending.deadline.at - time.time(),
            risky_since=(self.facts.risky_since or now) if self.risk.paths else None,
            idle_since=self.parts.cells.idle_since if self.parts.ends_when_idle else None,
        )
        self.facts = self.notices.forget(self.facts)
        return self.facts

    def _lane(self, name: str) -> Lane:
        return next(lane for lane in self.lanes if lane.name == name)

    def _on_outcome(self, outcome: Outcome) -> None:
        self._outcomes.put(outcome)
        self._woken.set()

    def _settle_outcomes(self) -> None:
        while not self._outcomes.empty():
            outcome = self._outcomes.get()
            lane = self._lane(outcome.lane)
            if not lane.settle(outcome):
                continue
            if outcome.error is None:
                self.parts.log.write(
                    "shipped", to=lane.name, number=lane.acknowledged and lane.acknowledged.number
                )
                self.facts = replace(self.facts, risky_since=None)
                self.find_risk()
                self.tending.ask()
                arrived(self, lane)
            else:
                recover(self, lane, outcome.error, outcome.taken)

    def _completed(self) -> None:
        """Let the vault have the history, now that all of it is here."""
        self.parts.saver.shadow.mirror()
        self.parts.saver.shadow.adopt_objects()
        self.generation += 1

    def _is_over(self) -> bool:
        return self._closing is not None and self._closing.is_over

    def _end(self) -> None:
        closing = self._closing
        if closing is not None and closing.demand is not None:
            closing.missing = self.demands.missing(closing.demand)
        for lane in self.lanes:
            lane.stop(LANE_PATIENCE if not lane.busy else 0.0)
        self.parts.holding.stop(LANE_PATIENCE)
        self.parts.ending.stop()
        self.tending.stop(LANE_PATIENCE)
        self.completing.stop(LANE_PATIENCE)
        self.parts.reviewing.stop(LANE_PATIENCE)
        self._settle_outcomes()
        self.jobs.do()
        if closing is not None:
            closing.done.set()
