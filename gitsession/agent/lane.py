"""One replica with a thread of its own, so that none ever waits for another."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from gitsession.agent.decide import SHIP_INTERVAL, ReplicaFacts, back_off, remote_interval
from gitsession.agent.neighbours import Neighbours
from gitsession.errors import GitsessionError, LeaseLost
from gitsession.model import Level, SessionName
from gitsession.replicas.base import Acknowledgement, Replica, Shipment
from gitsession.replicas.lease import Lead, Tenure
from gitsession.replicas.remote import Remote
from gitsession.replicas.vault import Vault
from gitsession.status import ReplicaStatus

FIRST_CONFIRMATION = 15.0  # seconds, then twice as long each time
CONFIRMATIONS = 8
LEASE_CHECK = 30.0  # seconds between two looks at the remote's refs while nothing is pushed


@dataclass(frozen=True)
class Outcome:
    """What came of one shipment.

    Args:
        lane: The lane's name.
        generation: What was to be shipped, in the agent's own count of changes.
        acknowledged: What the replica holds now; None after a failure.
        error: Why it failed.
        session: The session that was shipped; None where the replica has no name for it.
        taken: The sessions that the remote has, where the lead was lost and a new name is needed.
    """

    lane: str
    generation: int
    acknowledged: Acknowledgement | None = None
    error: Exception | None = None
    session: SessionName | None = None
    taken: tuple[SessionName, ...] = ()


class Lane:
    """Ships to one replica; all but the thread's own work is called from the agent's main thread.

    Args:
        replica: Where to.
        prepare: Makes the newest shipment, on the lane's thread; its errors count as the replica's.
        done: Told of every outcome, on the lane's thread.
    """

    def __init__(
        self, replica: Replica, prepare: Callable[[Lane], Shipment], done: Callable[[Outcome], None]
    ) -> None:
        self.replica = replica
        self.name = replica.name
        self.interval = SHIP_INTERVAL
        self.active = 1
        self.generation = 0
        self.acknowledged: Acknowledgement | None = None
        self.failures = 0
        self.forks: tuple[SessionName, ...] = ()
        self.failed_at: float | None = None
        self.error = ""
        self._prepare = prepare
        self._done = done
        self._busy = False
        self._started: float | None = None
        self._retry_at: float | None = None
        self._errands: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._neighbours = Neighbours()
        self._asked = 0
        self._tenure = Tenure("", 0, confirmed=time.monotonic())
        self._thread = threading.Thread(target=self._run, name=f"ship {self.name}", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a shipment is under way."""
        return self._busy

    def level(self, generation: int) -> Level:
        """How strongly it keeps everything up to `generation`; at least this machine does."""
        if self.acknowledged is None or self.generation < generation:
            return Level.LOCAL
        return self.acknowledged.level

    def facts(self, generation: int, *, urgent: bool) -> ReplicaFacts:
        """What `decide` needs to know, where `generation` is the newest here."""
        return ReplicaFacts(
            self.name,
            behind=self.generation < generation,
            busy=self._busy,
            interval=self.interval,
            started=self._started,
            retry_at=self._retry_at,
            urgent=urgent,
        )

    def status(self, newest: int, generation: int) -> ReplicaStatus:
        """What a person sees of it; `newest` is the number of the newest snapshot."""
        ack = self.acknowledged
        number = ack.number if ack else 0
        pending = max(newest - number, 1 if self.generation < generation else 0)
        note = ack.note if ack else ""
        level = ack.level if ack else Level.NONE
        return ReplicaStatus(self.name, level, number, pending, self.error or note, self.interval)

    def ship(self, generation: int) -> None:
        """Begin a shipment; the outcome is told to `done`."""
        self._busy, self._started = True, time.monotonic()
        self._errands.put(generation)

    def settle(self, outcome: Outcome) -> bool:
        """Take over what came of a shipment; answers whether it is of the session as it is named now."""
        self._busy = False
        if outcome.session != _session_of(self.replica):
            return False
        if outcome.error is None:
            self.acknowledged, self.generation = outcome.acknowledged, outcome.generation
            self.failures, self.failed_at, self._retry_at, self.error = 0, None, None, ""
            return True
        self.failures += 1
        self.failed_at = time.monotonic()
        wait = back_off(self.failures, random.random(), getattr(outcome.error, "retry_after", None))
        self._retry_at = self.failed_at + wait
        self.error = said(outcome.error)
        return True

    def retry_now(self) -> None:
        """Forget that it failed, since somebody waits."""
        self._retry_at = None
        if isinstance(self.replica, Remote):
            self.replica.try_branch_again()

    def start_afresh(self) -> None:
        """Ship again at once, since what stood in the way is gone; who waits goes on waiting for that."""
        self._retry_at, self._started, self.failed_at, self.error = None, None, None, ""

    def rename(self, session: SessionName) -> None:
        """Ship under another name from now on, where nothing of it lies yet."""
        if isinstance(self.replica, (Remote, Vault)):
            self.replica = replace(self.replica, session=session)
        self.acknowledged, self.generation = None, 0
        self.start_afresh()

    def is_unconfirmed(self, now: float) -> bool:
        """Whether the remote has not agreed for so long that somebody else may lead the session."""
        return self._tenure.lead(now) is Lead.UNCONFIRMED

    def stop(self, patience: float) -> None:
        """End the thread once its shipment is done; one that hangs is left to die with the process."""
        self._errands.put(None)
        self._thread.join(patience)

    def _run(self) -> None:
        while (generation := self._next()) is not None:
            self._asked = 0
            self._done(self._carry_out(generation))

    def _next(self) -> int | None:
        """The next errand; while there is none, the replica is asked now and then how it stands."""
        while True:
            try:
                return self._errands.get(timeout=self._patience())
            except queue.Empty:
                self._asked += 1
                self._confirm()

    def _patience(self) -> float | None:
        ack = self.acknowledged
        if isinstance(self.replica, Remote):
            return LEASE_CHECK
        if not isinstance(self.replica, Vault) or ack is None or ack.level is not Level.STORED:
            return None
        return FIRST_CONFIRMATION * 2.0**self._asked if self._asked < CONFIRMATIONS else None

    def _confirm(self) -> None:
        ack = self.acknowledged
        if isinstance(self.replica, Remote):
            self._check_lease(self.replica)
        if isinstance(self.replica, Vault) and ack is not None:
            with suppress(GitsessionError):
                found = self.replica.confirm()
                if found is not None and found.level > ack.level:
                    self._done(Outcome(self.name, self.generation, found, session=self.replica.session))

    def _check_lease(self, remote: Remote) -> None:
        """Notice a lost lead also where there is nothing to push."""
        try:
            self.forks = remote.confirm()
        except LeaseLost as lost:
            self._done(self._failed(remote, self.generation, lost))
        except GitsessionError:
            return  # the lead becomes unconfirmed by itself
        else:
            self._tenure = self._tenure.agreed(time.monotonic())

    def _carry_out(self, generation: int) -> Outcome:
        replica = self.replica
        session = _session_of(replica)
        try:
            shipment, known = self._prepare(self), self.acknowledged
            if known is not None and not self.error and _is_kept(known, shipment):
                return Outcome(self.name, generation, known, session=session)
            acknowledged = replica.ship(shipment)
            self._tenure = self._tenure.agreed(time.monotonic())
            self._look_around()
        except Exception as error:
            return self._failed(replica, generation, error)
        return Outcome(self.name, generation, acknowledged, session=session)

    def _failed(self, replica: Replica, generation: int, error: Exception) -> Outcome:
        taken: tuple[SessionName, ...] = ()
        if isinstance(error, LeaseLost) and isinstance(replica, Remote):
            with suppress(GitsessionError):
                taken = tuple(found.session for found in replica.find())
        return Outcome(self.name, generation, error=error, session=_session_of(replica), taken=taken)

    def _look_around(self) -> None:
        """Share the pushes that GitHub advises with the other active sessions of the repository."""
        if isinstance(self.replica, Remote) and self._neighbours.is_due():
            with suppress(GitsessionError):
                self.active = self._neighbours.count(self.replica.find(), self.replica.session)
                self.interval = remote_interval(self.active)


def _is_kept(known: Acknowledgement, shipment: Shipment) -> bool:
    """Whether there is nothing to ship: a vault that needs the remote is asked again."""
    return known.state == shipment.state and known.level > Level.LOCAL


def _session_of(replica: Replica) -> SessionName | None:
    return replica.session if isinstance(replica, (Remote, Vault)) else None


def said(error: Exception) -> str:
    """An error in one line for `status`."""
    if isinstance(error, LeaseLost):
        return error.what
    if isinstance(error, GitsessionError):
        return f"{error.what} {error.hint}".strip()
    return f"{type(error).__name__}: {error}"
