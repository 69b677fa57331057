"""Taking snapshots: when somebody asks or they are due, what is noted of each, and what is at risk since."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gitsession.agent import configuration as settings
from gitsession.agent.allowing import unchecked
from gitsession.agent.decide import Facts, back_off
from gitsession.agent.demand import Demands, left_behind
from gitsession.agent.jobs import Jobs
from gitsession.agent.lane import Lane, said
from gitsession.agent.notices import Notices
from gitsession.agent.packages import Packages
from gitsession.agent.parts import Parts
from gitsession.agent.risk import Risk
from gitsession.agent.tending import Tending
from gitsession.errors import GitsessionError
from gitsession.model import Level, SessionName, Snapshot
from gitsession.snapshot.take import Taken


class Taking:
    """The snapshots of one session, and what is known of them; on the agent's main thread only.

    Args:
        parts: What the agent is made of.
        lanes: The replicas, each with its own thread.
        woken: Set by whatever gives the main thread something new to decide.
    """

    def __init__(self, parts: Parts, lanes: Sequence[Lane], woken: threading.Event) -> None:
        self.parts = parts
        self.configuration = parts.configuration
        self.lanes = lanes
        self.generation = 0
        self.risk = Risk()
        self.newest: Snapshot | None = None
        self.notices = Notices(parts.ending, parts.events)
        self.packages = Packages()
        self.taking = False
        self.jobs = Jobs(woken.set)
        self.demands = Demands(lanes, self._left)
        self.facts = Facts(watching=parts.watcher.watching)
        self.tending = Tending(parts.saver.shadow, self._is_quiet, parts.log)
        self._ran: str | None = None
        self._told: object = ((), parts.saver.contents.version)
        self._taken_at: deque[float] = deque(maxlen=16)
        self._failures = 0

    def note_ran(self, ran: str) -> None:
        """Have the next snapshot say what ran before it, from any thread; at once where packages changed."""
        before = self.packages.wanted()
        self._ran = ran
        self.packages.note(ran)
        if self.packages.wanted() != before:
            self.jobs.add(lambda: self.save_now("Change the packages"))

    def tell_of_killed(self) -> None:
        """Have the timeline say of a cell that its kernel ended in the middle of it, as nobody else will."""
        for cell in self.parts.cells.lost():
            self.note_ran(cell.killed())
            self.save_now(f"The kernel ended in the middle of cell {cell.cell}")

    def save_now(self, subject: str | None = None) -> Taken | None:
        """Take a snapshot of everything, a named one even of no change."""
        return self.take(sweep=True, urgent=True, subject=subject)

    def take(self, *, sweep: bool, urgent: bool | None = None, subject: str | None = None) -> Taken | None:
        """Take a snapshot, urgently where somebody waits for it by default."""
        urgent = bool(self.demands) if urgent is None else urgent
        waiting = self.demands.try_now()
        if sweep:
            self.parts.watcher.reconsider()
            self.parts.marks.mark(unchecked(self.parts.saver, self.parts.shipments))
        marked, ran = self.parts.marks.collect(), self._ran or self.parts.cells.record()
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
            self.tending.ask()  # a sweep settled the journal: also where nothing is ever shipped
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
        self.settle_contents()
        self.find_risk()

    def settle_contents(self) -> None:
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

    def recently_taken(self, window: float) -> int:
        """How many snapshots the last `window` seconds saw, 16 at most."""
        return sum(1 for at in self._taken_at if at > time.monotonic() - window)

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

    def _is_quiet(self) -> bool:
        return not (self.taking or self.demands or self.parts.marks.look())

    def _left(self, level: Level | None) -> tuple[str, ...]:
        saver = self.parts.saver
        return left_behind(saver.held, saver.contents.kept(), saver.snapshots.at_risk, level)
