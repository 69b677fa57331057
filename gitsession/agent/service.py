"""The agent: one thread decides and takes snapshots, each replica ships on its own, anybody may ask."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Any

from gitsession.agent import configuration as settings
from gitsession.agent.completing import Completing
from gitsession.agent.decide import Alert, Facts, Pace, Ship, Take, Wait, Warn, back_off, decide
from gitsession.agent.demand import Closing, Demands, left_behind
from gitsession.agent.jobs import Jobs
from gitsession.agent.lane import Lane, Outcome, said
from gitsession.agent.notices import Notices
from gitsession.agent.packages import Packages
from gitsession.agent.parts import Parts
from gitsession.agent.recovery import arrived, look_again, recover
from gitsession.agent.risk import Risk
from gitsession.agent.tending import Tending
from gitsession.errors import GitsessionError
from gitsession.model import Level, SessionName, Snapshot
from gitsession.replicas.vault import Vault
from gitsession.snapshot.take import Taken

LANE_PATIENCE = 2.0


class Agent:
    """One session's agent, in the process that it has for itself.

    Args:
        parts: What it is made of.
        woken: Set by whatever gives it something new to decide.
    """

    def __init__(self, parts: Parts, woken: threading.Event) -> None:
        self.parts = parts
        self.configuration = parts.configuration
        self.lanes = [Lane(replica, parts.shipments.prepare, self._on_outcome) for replica in parts.replicas]
        self.generation = 0
        self.risk = Risk()
        self.newest: Snapshot | None = None
        self.notices = Notices(parts.ending, parts.events)
        self.packages = Packages()
        self.taking = False
        self._woken = woken
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.jobs = Jobs(woken.set)
        self.demands = Demands(self.lanes, self._left)
        self._closing: Closing | None = None
        self._ran: str | None = None
        self._told: object = ((), parts.saver.contents.version)
        self.facts = Facts(watching=parts.watcher.watching)
        self._taken_at: deque[float] = deque(maxlen=16)
        self._failures = 0
        self._tending = Tending(parts.saver.shadow, self._is_quiet, parts.log)
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
            self._settle_contents()
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

    def note_ran(self, ran: str) -> None:
        """Have the next snapshot say what ran before it, and take it at once where packages changed."""
        before = self.packages.wanted()
        self._ran = ran
        self.packages.note(ran)
        if self.packages.wanted() != before:
            self.jobs.add(lambda: self.save_now("Change the packages"))

    def save_now(self, subject: str | None = None) -> Taken | None:
        """Take a snapshot of everything, a named one even of no change; on the main thread only."""
        return self.take(sweep=True, urgent=True, subject=subject)

    def _act(self) -> float | None:
        """Carry out what is due; answers when to look again."""
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
        window = self._pace().busy_window
        ending = self.parts.ending
        generation = self.generation if self.parts.saver.shadow.tip() is not None else 0
        self.facts = replace(
            self.facts,
            dirty_since=marked.first,
            last_event=marked.last,
            lost_events=marked.lost,
            watching=self.parts.watcher.watching,
            recent_snapshots=sum(1 for at in self._taken_at if at > now - window),
            held_until=self.parts.saver.large.until,
            demanded=self.demands.untried,
            replicas=tuple(lane.facts(generation, urgent=self.demands.wants(lane)) for lane in self.lanes),
            deadline=None if ending.deadline is None else now + ending.deadline.at - time.time(),
            risky_since=(self.facts.risky_since or now) if self.risk.paths else None,
            idle_since=ending.idle_since,
        )
        self.facts = self.notices.forget(self.facts)
        return self.facts

    def _is_quiet(self) -> bool:
        return not (self.taking or self.demands or self.parts.marks.look())

    def _lane(self, name: str) -> Lane:
        return next(lane for lane in self.lanes if lane.name == name)

    def take(self, *, sweep: bool, urgent: bool | None = None, subject: str | None = None) -> Taken | None:
        """Take a snapshot, urgently where somebody waits for it by default; on the main thread only."""
        urgent = bool(self.demands) if urgent is None else urgent
        waiting = self.demands.try_now()
        if sweep:
            self.parts.watcher.reconsider()
            look_again(self)
        marked, ran = self.parts.marks.collect(), self._ran
        began, worked = time.monotonic(), time.thread_time()
        self.taking = True
        try:
            taken = self.parts.saver.save(marked, sweep=sweep, urgent=urgent, ran=ran, subject=subject)
        except (GitsessionError, OSError) as error:
            self.parts.marks.put_back(marked)
            self._failed(error)
            return None
        finally:
            self.taking = False
        self.saved(taken, git=marked.git, ran=ran)
        if sweep or marked.lost:
            cost = time.thread_time() - worked
            self.facts = replace(self.facts, swept=time.monotonic(), sweep_cost=cost)
            self._tending.ask()  # a sweep settled the journal: also where nothing is ever shipped
        for demand in waiting:
            demand.generation = self.generation
            for lane in self.lanes:
                lane.retry_now()
        self.parts.log.write(
            "saved", number=taken and taken.number, sweep=sweep, seconds=round(time.monotonic() - began, 4)
        )
        return taken

    def saved(self, taken: Taken | None, *, git: bool, ran: str | None) -> None:
        """Note a snapshot that was taken, or that git's state alone has moved."""
        self._failures = 0
        self.notices.notes.pop("save", None)
        self.facts = replace(self.facts, retry_at=None)
        if taken is not None:
            now = time.monotonic()
            self._taken_at.append(now)
            self.facts = replace(self.facts, last_snapshot=now)
            self.newest = Snapshot(taken.number, taken.commit, time.time())
            self.risk.note(taken.changed, taken.number)
            self._ran = None if self._ran == ran else self._ran
        if taken is not None or git:
            self.generation += 1
        if self.parts.saver.held or self.parts.saver.contents.keep:
            self.parts.holding.ask(urgent=False)
        self._settle_contents()
        self.find_risk()

    def _settle_contents(self) -> None:
        """Ship anew when what is told of held and kept files changed, and let those go on who wait for it."""
        told = (self.parts.saver.held, self.parts.saver.contents.version)
        if told != self._told:
            self.generation += 1
            self._told = told
            self.find_risk()
        self.demands.settle_contents(self.parts.holding, self.generation)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        wait = back_off(min(self._failures, 5), 0.5)
        self.facts = replace(self.facts, retry_at=time.monotonic() + wait)
        self.notices.notes["save"] = f"Saving fails, the next try is in {wait:.0f} s. {said(error)}"
        self.parts.log.failure("save failed", error)
        if not self.parts.places.configuration.exists():
            raise error

    def find_risk(self) -> None:
        """Look again at which paths are only on this machine."""
        saver = self.parts.saver
        held = (item.path for item in saver.held if item.level < Level.STORED)
        kept = (file.path for file in saver.contents.kept() if file.level < Level.STORED)
        self.risk.look(self.lanes, (*held, *kept, *saver.snapshots.at_risk))

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
                self._tending.ask()
                arrived(self, lane)
            else:
                recover(self, lane, outcome.error, outcome.taken)

    def configure(self, **changes: Any) -> None:
        """Change what it was told at its start, and keep that."""
        self.configuration = replace(self.configuration, **changes)
        settings.save(self.configuration)
        self.parts.shipments.configuration = self.configuration
        self.parts.saver.snapshots.identity = self.configuration.author

    def rename(self, session: SessionName, origin: SessionName) -> None:
        """Go on as another session, which was opened as `origin`."""
        self.parts.saver.snapshots = self.parts.snapshots_of(session)
        self.configure(session=session, opened_as=origin, counter=1, published="")
        for lane in self.lanes:
            lane.rename(session)

    def _completed(self) -> None:
        """Let the vault have the history, now that all of it is here."""
        self.parts.saver.shadow.mirror()
        self.parts.saver.shadow.adopt_objects()
        self.generation += 1

    def _left(self, level: Level | None) -> tuple[str, ...]:
        saver = self.parts.saver
        return left_behind(saver.held, saver.contents.kept(), saver.snapshots.at_risk, level)

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
        self._tending.stop(LANE_PATIENCE)
        self.completing.stop(LANE_PATIENCE)
        self.parts.reviewing.stop(LANE_PATIENCE)
        self._settle_outcomes()
        self.jobs.do()
        if closing is not None:
            closing.done.set()
