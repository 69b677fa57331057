"""The agent: one thread decides and takes snapshots, each replica ships on its own, anybody may ask."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gitsession.agent import configuration as settings
from gitsession.agent.configuration import Configuration
from gitsession.agent.decide import WARNINGS, Alert, Facts, Pace, Ship, Take, Wait, Warn, back_off, decide
from gitsession.agent.demand import Closing, Demands, left_behind
from gitsession.agent.ending import Ending
from gitsession.agent.events import Events
from gitsession.agent.holding import Holding
from gitsession.agent.jobs import Jobs
from gitsession.agent.lane import Lane, Outcome, said
from gitsession.agent.log import Log
from gitsession.agent.marks import Marks
from gitsession.agent.places import Places
from gitsession.agent.risk import Risk, stored
from gitsession.agent.saving import Caught, Saver, changed_since
from gitsession.agent.shipments import MayNotLeave, Shipments, fork_of
from gitsession.agent.tending import Tending
from gitsession.agent.watch import Watcher
from gitsession.errors import GitsessionError, LeaseLost, RefusedError
from gitsession.model import Level, SessionName, Snapshot
from gitsession.replicas.base import Replica
from gitsession.replicas.vault import Vault
from gitsession.snapshot.take import Snapshots, Taken

LANE_PATIENCE = 2.0
ALERTS = {
    "risk": "Work is only on this machine, and no place outside has answered for 10 minutes.",
    "idle": "No cell has run for 60 minutes: Colab may end this machine soon. "
    "`Session.wait` keeps a cell busy.",
}


@dataclass
class Parts:
    """What an agent is made of; `compose` builds it."""

    places: Places
    configuration: Configuration
    saver: Saver
    snapshots_of: Callable[[SessionName], Snapshots]
    shipments: Shipments
    replicas: tuple[Replica, ...]
    marks: Marks
    watcher: Watcher
    log: Log
    holding: Holding
    vault: Callable[[], Vault | None]
    ending: Ending
    events: Events


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
        self.notes: dict[str, str] = {}
        self.taking = False
        self._woken = woken
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.jobs = Jobs(woken.set)
        self._demands = Demands(self.lanes, self._left)
        self._closing: Closing | None = None
        self._ran: str | None = None
        self._told: object = ((), parts.saver.contents.version)
        self.facts = Facts(watching=parts.watcher.watching)
        self._taken_at: deque[float] = deque(maxlen=16)
        self._failures = 0
        self._warned_of = parts.ending.deadline
        self._tending = Tending(parts.saver.shadow, self._is_quiet, parts.log)

    @property
    def closing(self) -> bool:
        """Whether it has been told to end."""
        return self._closing is not None

    def run(self) -> None:
        """Save and ship until told to end."""
        self.parts.holding.start()
        self.parts.ending.start()
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
        demand = self._demands.add(level)
        self._woken.set()
        demand.done.wait(seconds)
        missing = self._demands.missing(demand)
        self._demands.drop(demand)
        return missing

    def close(self, seconds: float, *, flush: bool) -> tuple[str, ...]:
        """End, from any thread, after a last flush of so many seconds; answers with what is missing."""
        if self._closing is None:
            demand = self._demands.add(None) if flush else None
            self._closing = Closing(demand, time.monotonic() + seconds)
        self._woken.set()
        self._closing.done.wait(seconds + LANE_PATIENCE * 2)
        return self._closing.missing

    def note_ran(self, ran: str) -> None:
        """Have the next snapshot say what ran before it."""
        self._ran = ran

    def save_now(self, subject: str | None = None) -> Taken | None:
        """Take a snapshot of everything, a named one even of no change; on the main thread only."""
        return self._take(sweep=True, urgent=True, subject=subject)

    def recall(self) -> None:
        """Go on where an earlier process of this session ended; once, before anybody asks."""
        for lane in self.lanes:
            lane.acknowledged = lane.replica.acknowledged()
        tip = self.parts.saver.shadow.tip()
        if tip is None:
            return
        self.newest = Snapshot(tip.number, tip.commit, time.time())
        self.generation = 1
        best = stored(self.lanes)
        if best is not None:
            self._recall_times(best.state)
        if best is None or best.snapshot != tip.commit:
            paths = changed_since(self.parts.saver.shadow, best.snapshot if best else None, tip.commit)
            self.risk.note(paths, tip.number)
        self._find_risk()

    def _recall_times(self, state: str) -> None:
        try:
            self.parts.saver.recall_times(state)
        except GitsessionError as error:
            self.parts.log.failure("times not recalled", error)

    def _act(self) -> float | None:
        """Carry out what is due; answers when to look again."""
        *actions, wait = decide(self._gather(), time.monotonic(), self._pace())
        for action in actions:
            match action:
                case Take(sweep=sweep):
                    self._take(sweep=sweep, urgent=self._is_urgent())
                case Ship(replica=name):
                    self._lane(name).ship(self.generation)
                case Warn(minutes=minutes):
                    self._warn(minutes)
                case Alert(kind=kind):
                    self._alert(kind)
        self._demands.end_those_over()
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
            demanded=self._demands.untried,
            replicas=tuple(lane.facts(generation, urgent=self._demands.wants(lane)) for lane in self.lanes),
            deadline=None if ending.deadline is None else now + ending.deadline.at - time.time(),
            risky_since=(self.facts.risky_since or now) if self.risk.paths else None,
            idle_since=ending.idle_since,
        )
        self._forget_alerts()
        return self.facts

    def _forget_alerts(self) -> None:
        """Speak up again about what was over in between."""
        since = {"risk": self.facts.risky_since, "idle": self.facts.idle_since}
        over = {kind for kind in self.facts.alerted if since[kind] is None}
        for kind in over:
            self.notes.pop(kind, None)
        warned = self.facts.warned if self.parts.ending.deadline == self._warned_of else None
        self._warned_of = self.parts.ending.deadline
        self.facts = replace(self.facts, alerted=self.facts.alerted - over, warned=warned)

    def _is_urgent(self) -> bool:
        return bool(self._demands)

    def _is_quiet(self) -> bool:
        return not (self.taking or self._demands or self.parts.marks.look())

    def _lane(self, name: str) -> Lane:
        return next(lane for lane in self.lanes if lane.name == name)

    def _take(self, *, sweep: bool, urgent: bool, subject: str | None = None) -> Taken | None:
        waiting = self._demands.try_now()
        if sweep:
            self.parts.watcher.reconsider()
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
        self._saved(taken, git=marked.git, ran=ran)
        if sweep or marked.lost:
            cost = time.thread_time() - worked
            self.facts = replace(self.facts, swept=time.monotonic(), sweep_cost=cost)
        for demand in waiting:
            demand.generation = self.generation
            for lane in self.lanes:
                lane.retry_now()
        self.parts.log.write(
            "saved", number=taken and taken.number, sweep=sweep, seconds=round(time.monotonic() - began, 4)
        )
        return taken

    def _saved(self, taken: Taken | None, *, git: bool, ran: str | None) -> None:
        self._failures = 0
        self.notes.pop("save", None)
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
        self._find_risk()

    def _settle_contents(self) -> None:
        """Ship anew when what is told of held and kept files changed, and let those go on who wait for it."""
        told = (self.parts.saver.held, self.parts.saver.contents.version)
        if told != self._told:
            self.generation += 1
            self._told = told
            self._find_risk()
        self._demands.settle_contents(self.parts.holding, self.generation)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        wait = back_off(min(self._failures, 5), 0.5)
        self.facts = replace(self.facts, retry_at=time.monotonic() + wait)
        self.notes["save"] = f"Saving fails, the next try is in {wait:.0f} s. {said(error)}"
        self.parts.log.failure("save failed", error)
        if not self.parts.places.configuration.exists():
            raise error

    def _find_risk(self) -> None:
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
                self._find_risk()
                self._tending.ask()
            else:
                self._recover(lane, outcome.error)

    def _recover(self, lane: Lane, error: Exception) -> None:
        """What is done about a failure, besides trying again later."""
        self.parts.log.failure(f"{lane.name} failed", error)
        match error:
            case MayNotLeave():
                self._withhold(lane, error.caught)
            case RefusedError() if error.refusal.paths:
                blobs = self.parts.shipments.blobs_at(error.refusal.paths)
                self._withhold(
                    lane, {path: Caught(error.refusal.detail, oids) for path, oids in blobs.items()}
                )
            case LeaseLost():
                self._fork()

    def _withhold(self, lane: Lane, caught: Mapping[str, Caught]) -> None:
        """Rebuild what the remote lacks without the offenders, and ship that instead."""
        onto = lane.acknowledged.snapshot if lane.acknowledged else None
        self.parts.shipments.withhold([oid for what in caught.values() for oid in what.oids])
        try:
            taken = self.parts.saver.withhold(caught, onto)
        except (GitsessionError, OSError) as error:
            self.parts.log.failure("rebuild failed", error)
            return
        if taken is None:
            return
        self._saved(taken, git=True, ran=None)
        self.parts.marks.mark(list(caught))
        self._take(sweep=False, urgent=self._is_urgent())  # which finds them held
        self._demands.renew(self.generation)
        lane.start_afresh()

    def _fork(self) -> None:
        """Somebody else leads the session now: go on under another name and never overwrite theirs."""
        old = self.configuration.session
        fork = SessionName(old.login, fork_of(old.name))
        origin = self.configuration.opened_as or old
        self.notes["fork"] = (
            f"{origin.branch} is led by somebody else now, or was deleted. "
            f"Your work goes on as {fork.branch}; nothing was overwritten."
        )
        self.configuration = replace(self.configuration, session=fork, opened_as=origin, counter=1)
        settings.save(self.configuration)
        self.parts.shipments.configuration = self.configuration
        self.parts.saver.snapshots = self.parts.snapshots_of(fork)
        for lane in self.lanes:
            lane.rename(fork)
        self.parts.log.write("forked", session=str(fork), old=str(old))

    def _warn(self, minutes: int) -> None:
        self.facts = replace(self.facts, warned=minutes)
        deadline = self.parts.ending.deadline
        surely = deadline is not None and not deadline.estimate
        self.notes["deadline"] = (
            f"This machine ends within {minutes} min, as was announced."
            if surely
            else f"This machine is expected to end within {minutes} min; that is an estimate."
        )
        self.parts.events.add("deadline", self.notes["deadline"], post=minutes == max(WARNINGS))
        if minutes == min(WARNINGS):
            self._demands.add(None)

    def _alert(self, kind: str) -> None:
        self.facts = replace(self.facts, alerted=self.facts.alerted | {kind})
        self.notes[kind] = ALERTS[kind]
        self.parts.events.add(kind, ALERTS[kind])

    def _left(self, level: Level | None) -> tuple[str, ...]:
        saver = self.parts.saver
        return left_behind(saver.held, saver.contents.kept(), saver.snapshots.at_risk, level)

    def _is_over(self) -> bool:
        return self._closing is not None and self._closing.is_over

    def _end(self) -> None:
        closing = self._closing
        if closing is not None and closing.demand is not None:
            closing.missing = self._demands.missing(closing.demand)
        for lane in self.lanes:
            lane.stop(LANE_PATIENCE if not lane.busy else 0.0)
        self.parts.holding.stop(LANE_PATIENCE)
        self.parts.ending.stop()
        self._tending.stop(LANE_PATIENCE)
        self._settle_outcomes()
        self.jobs.do()
        if closing is not None:
            closing.done.set()
