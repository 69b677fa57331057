"""What to do next: pure functions from facts to actions; threads only carry them out.

All moments are seconds on one monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass

SWEEP_INTERVAL = 60.0
SWEEP_SHARE = 0.002  # of a core: what sweeps may use while nothing happens
BLIND_SWEEP_INTERVAL = 5.0
BLIND_SWEEP_SHARE = 0.02
BUSY_SNAPSHOTS = 5  # that many within six times the maximum age are a continuous writer that pauses a little
SHIP_INTERVAL = 10.0
MAX_SHIP_INTERVAL = 300.0
MIN_SHIP_INTERVAL = 5.0
FIRST_RETRY = 1.0
MAX_RETRY = 120.0
TIGHT = 15 * 60.0
WARNINGS = (15, 5, 1)  # minutes before the deadline
RISK_PATIENCE = 600.0  # seconds without an acknowledgement while something is only here
IDLE_PATIENCE = 3600.0  # seconds without a running cell; Colab ends a machine some time after that


@dataclass(frozen=True)
class Pace:
    """How soon a change is saved.

    Args:
        quiet: Seconds without a change before a snapshot.
        max_age: Seconds after the first change at which a snapshot is taken all the same.
    """

    quiet: float = 1.0
    max_age: float = 5.0

    @property
    def busy_window(self) -> float:
        """The seconds over which snapshots are counted to find a continuous writer."""
        return 6 * self.max_age


@dataclass(frozen=True)
class ReplicaFacts:
    """One replica as `decide` sees it.

    Args:
        name: `remote` or `vault`.
        behind: Something newer than what it acknowledged is here.
        busy: A shipment to it is under way.
        interval: Seconds from the start of one shipment to the start of the next.
        started: When its last shipment began.
        retry_at: Not before then, since it failed; None after a success.
        urgent: Somebody waits for it: the interval does not count.
    """

    name: str
    behind: bool
    busy: bool = False
    interval: float = SHIP_INTERVAL
    started: float | None = None
    retry_at: float | None = None
    urgent: bool = False


@dataclass(frozen=True)
class Facts:
    """Everything that decides what happens next.

    Args:
        dirty_since: The first change that no snapshot has; None when there is none.
        last_event: The newest change.
        lost_events: Events were lost, so that only a sweep finds everything.
        watching: Changes are seen as they happen; if not, sweeps find them.
        swept: When the last full sweep ended; None before the first.
        sweep_cost: Seconds of processor time of that sweep.
        last_snapshot: When the last one was taken.
        recent_snapshots: How many were taken within `Pace.busy_window`.
        retry_at: No snapshot before then, since the last attempt failed.
        held_until: When a file that changes too often may go out again.
        demanded: Somebody waits for a complete snapshot now.
        replicas: The places to ship to.
        deadline: When this runtime is expected to end.
        warned: The minutes before the deadline of the last warning; None before the first.
        risky_since: Since when something is only on this machine and nothing was acknowledged.
        idle_since: Since when no cell runs, where the platform minds.
        alerted: What was said of those two already.
    """

    dirty_since: float | None = None
    last_event: float | None = None
    lost_events: bool = False
    watching: bool = True
    swept: float | None = None
    sweep_cost: float = 0.0
    last_snapshot: float | None = None
    recent_snapshots: int = 0
    retry_at: float | None = None
    held_until: float | None = None
    demanded: bool = False
    replicas: tuple[ReplicaFacts, ...] = ()
    deadline: float | None = None
    warned: int | None = None
    risky_since: float | None = None
    idle_since: float | None = None
    alerted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Take:
    """Take a snapshot of what was marked, or, with `sweep`, of whatever git finds changed."""

    sweep: bool


@dataclass(frozen=True)
class Ship:
    """Ship the newest snapshot to a replica."""

    replica: str


@dataclass(frozen=True)
class Warn:
    """Say that this many minutes are left; the last warning comes with a flush."""

    minutes: int


@dataclass(frozen=True)
class Alert:
    """Say that work is at risk (`risk`) or that this machine looks idle (`idle`) for too long."""

    kind: str


@dataclass(frozen=True)
class Wait:
    """Nothing else to do until then, or until something happens."""

    until: float | None


Action = Take | Ship | Warn | Alert | Wait


DEFAULT_PACE = Pace()


def decide(facts: Facts, now: float, pace: Pace = DEFAULT_PACE) -> tuple[Action, ...]:
    """What is due now, in order; the last action always says how long to wait.

    Example:
        >>> decide(Facts(dirty_since=10.0, last_event=10.0, swept=0.0), now=11.5)
        (Take(sweep=False), Wait(until=60.0))
    """
    pace = _tightened(pace, facts, now)
    take_at = _take_at(facts, now, pace)
    actions: list[Action] = [Warn(minutes) for minutes in _warnings(facts, now)]
    alerts = _alerts(facts)
    actions += [Alert(kind) for kind, at in alerts.items() if at <= now]
    if take_at <= now:
        actions.append(Take(sweep=facts.demanded or _sweep_at(facts, now) <= now))
    ship_at = {replica.name: _ship_at(replica, tight=is_tight(facts, now)) for replica in facts.replicas}
    actions += [Ship(name) for name, at in ship_at.items() if at is not None and at <= now]
    moments = (take_at, *ship_at.values(), *alerts.values(), _next_warning(facts, now))
    later = [at for at in moments if at is not None and at > now]
    if take_at <= now:
        later.append(now + sweep_interval(facts))
    return (*actions, Wait(min(later, default=None)))


def is_tight(facts: Facts, now: float) -> bool:
    """Whether the deadline is so near that everything is saved and shipped sooner."""
    return facts.deadline is not None and facts.deadline - now <= TIGHT


def sweep_interval(facts: Facts) -> float:
    """Seconds between two sweeps, stretched where a sweep costs much."""
    if facts.watching:
        return max(SWEEP_INTERVAL, facts.sweep_cost / SWEEP_SHARE)
    return max(BLIND_SWEEP_INTERVAL, facts.sweep_cost / BLIND_SWEEP_SHARE)


def remote_interval(sessions: int) -> float:
    """Seconds between two pushes where this many sessions of one repository are active: together they
    stay within GitHub's advice of six pushes a minute."""
    return min(MAX_SHIP_INTERVAL, SHIP_INTERVAL * max(1, sessions))


def back_off(failures: int, roll: float, retry_after: float | None = None) -> float:
    """Seconds to wait after so many failures in a row.

    Args:
        failures: At least 1.
        roll: A random number from 0 to 1, so that many agents do not come back at once.
        retry_after: What the server asked for, which is never undercut.
    """
    ceiling = min(MAX_RETRY, FIRST_RETRY * 2.0 ** min(failures - 1, 16))
    return max(ceiling * (0.5 + roll / 2), retry_after or 0.0)


def _tightened(pace: Pace, facts: Facts, now: float) -> Pace:
    if not is_tight(facts, now):
        return pace
    return Pace(pace.quiet / 2, pace.max_age / 2)


def _take_at(facts: Facts, now: float, pace: Pace) -> float:
    if facts.demanded:
        return now
    due = [_sweep_at(facts, now)]
    if facts.held_until is not None:
        due.append(facts.held_until)
    at = min(due)
    if facts.dirty_since is not None:
        at = _dirty_at(facts, facts.dirty_since, pace)  # a sweep that is due as well waits for it
    return at if facts.retry_at is None else max(at, facts.retry_at)


def _dirty_at(facts: Facts, since: float, pace: Pace) -> float:
    at = (since if facts.last_event is None else facts.last_event) + pace.quiet
    if facts.recent_snapshots >= BUSY_SNAPSHOTS and facts.last_snapshot is not None:
        at = max(at, facts.last_snapshot + pace.max_age)
    return min(at, since + pace.max_age)


def _sweep_at(facts: Facts, now: float) -> float:
    if facts.swept is None or facts.lost_events:
        return now
    return facts.swept + sweep_interval(facts)


def _ship_at(replica: ReplicaFacts, *, tight: bool) -> float | None:
    if replica.busy or not replica.behind:
        return None
    interval = (
        min(replica.interval, max(MIN_SHIP_INTERVAL, replica.interval / 2)) if tight else replica.interval
    )
    waits = [-float("inf")]
    if replica.started is not None and not replica.urgent:
        waits.append(replica.started + interval)
    if replica.retry_at is not None:
        waits.append(replica.retry_at)
    return max(waits)


def _warnings(facts: Facts, now: float) -> tuple[int, ...]:
    """The one warning that is due: of several missed ones, the most urgent."""
    if facts.deadline is None:
        return ()
    left = (facts.deadline - now) / 60
    due = [minutes for minutes in WARNINGS if left <= minutes and minutes < (facts.warned or 60)]
    return (min(due),) if due else ()


def _alerts(facts: Facts) -> dict[str, float]:
    """When to speak up, by what about; each is said once until it is over."""
    since = {"risk": (facts.risky_since, RISK_PATIENCE), "idle": (facts.idle_since, IDLE_PATIENCE)}
    return {
        kind: began + patience
        for kind, (began, patience) in since.items()
        if began is not None and kind not in facts.alerted
    }


def _next_warning(facts: Facts, now: float) -> float | None:
    if facts.deadline is None:
        return None
    moments = (facts.deadline - minutes * 60.0 for minutes in WARNINGS)
    return min((at for at in moments if at > now), default=None)
