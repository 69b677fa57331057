from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitsession.agent import decide as module
from gitsession.agent.decide import (
    Action,
    Alert,
    Facts,
    Pace,
    ReplicaFacts,
    Ship,
    Take,
    Wait,
    Warn,
    back_off,
    decide,
    remote_interval,
    sweep_interval,
)

CLEAN = Facts(swept=0.0)
DIRTY = replace(CLEAN, dirty_since=10.0, last_event=10.0)
REMOTE = ReplicaFacts("remote", behind=True)


def actions(facts: Facts, now: float) -> tuple[Action, ...]:
    *found, wait = decide(facts, now)
    assert isinstance(wait, Wait)
    return tuple(found)


@pytest.mark.parametrize(
    ("facts", "now", "expected"),
    [
        pytest.param(Facts(), 0.0, (Take(sweep=True),), id="a sweep at the start"),
        pytest.param(CLEAN, 30.0, (), id="nothing happened"),
        pytest.param(CLEAN, 60.0, (Take(sweep=True),), id="a sweep every minute"),
        pytest.param(DIRTY, 10.9, (), id="still being written"),
        pytest.param(DIRTY, 11.0, (Take(sweep=False),), id="quiet for a second"),
        pytest.param(replace(DIRTY, last_event=14.9), 15.0, (Take(sweep=False),), id="five seconds old"),
        pytest.param(replace(DIRTY, last_event=14.9), 14.9, (), id="not yet five seconds old"),
        pytest.param(
            replace(DIRTY, recent_snapshots=5, last_snapshot=9.0), 13.9, (), id="a writer with short pauses"
        ),
        pytest.param(
            replace(DIRTY, recent_snapshots=5, last_snapshot=9.0),
            14.0,
            (Take(sweep=False),),
            id="a writer with short pauses, five seconds later",
        ),
        pytest.param(
            replace(DIRTY, swept=-50.0, last_event=10.0),
            10.0,
            (),
            id="a sweep that is due waits for the change to settle",
        ),
        pytest.param(
            replace(DIRTY, swept=-50.0, last_event=10.0), 11.0, (Take(sweep=True),), id="and then sweeps"
        ),
        pytest.param(replace(DIRTY, lost_events=True), 11.0, (Take(sweep=True),), id="events were lost"),
        pytest.param(replace(CLEAN, watching=False), 5.0, (Take(sweep=True),), id="sweeps alone"),
        pytest.param(replace(CLEAN, sweep_cost=2.0), 60.0, (), id="expensive sweeps stretch"),
        pytest.param(replace(DIRTY, retry_at=20.0), 15.0, (), id="the disk was full"),
        pytest.param(replace(DIRTY, retry_at=20.0), 20.0, (Take(sweep=False),), id="tried again"),
        pytest.param(replace(DIRTY, demanded=True), 10.0, (Take(sweep=True),), id="a flush does not wait"),
        pytest.param(
            replace(DIRTY, demanded=True, retry_at=20.0), 10.0, (Take(sweep=True),), id="nor after a failure"
        ),
        pytest.param(replace(CLEAN, held_until=12.0), 12.0, (Take(sweep=False),), id="churn is over"),
    ],
)
def test_snapshots(facts: Facts, now: float, expected: tuple[Action, ...]) -> None:
    assert actions(facts, now) == expected


@pytest.mark.parametrize(
    ("replica", "now", "expected"),
    [
        pytest.param(REMOTE, 20.0, (Ship("remote"),), id="at once after a pause"),
        pytest.param(replace(REMOTE, behind=False), 20.0, (), id="nothing to ship"),
        pytest.param(replace(REMOTE, busy=True), 20.0, (), id="one shipment at a time"),
        pytest.param(replace(REMOTE, started=10.5), 20.0, (), id="ten seconds between pushes"),
        pytest.param(replace(REMOTE, started=10.0), 20.0, (Ship("remote"),), id="ten seconds later"),
        pytest.param(replace(REMOTE, started=19.0, urgent=True), 20.0, (Ship("remote"),), id="a flush"),
        pytest.param(replace(REMOTE, retry_at=21.0), 20.0, (), id="it failed"),
        pytest.param(replace(REMOTE, retry_at=20.0), 20.0, (Ship("remote"),), id="tried again"),
        pytest.param(replace(REMOTE, retry_at=21.0, urgent=True), 20.0, (), id="it is not hammered"),
        pytest.param(replace(REMOTE, started=-280.0, interval=300.0), 19.0, (), id="thirty sessions share"),
    ],
)
def test_shipping(replica: ReplicaFacts, now: float, expected: tuple[Action, ...]) -> None:
    assert actions(replace(CLEAN, replicas=(replica,)), now) == expected


def test_one_replica_never_waits_for_another() -> None:
    failing = ReplicaFacts("vault", behind=True, retry_at=100.0)
    stuck = ReplicaFacts("other", behind=True, busy=True)
    assert actions(replace(CLEAN, replicas=(failing, stuck, REMOTE)), 20.0) == (Ship("remote"),)


@pytest.mark.parametrize(
    ("left", "warned", "expected"),
    [
        (16 * 60, None, ()),
        (15 * 60, None, (Warn(15),)),
        (14 * 60, 15, ()),
        (5 * 60, 15, (Warn(5),)),
        (60, 5, (Warn(1),)),
        (30, None, (Warn(1),)),
        (-600, 1, ()),
    ],
)
def test_warnings_before_the_deadline(left: float, warned: int | None, expected: tuple[Action, ...]) -> None:
    assert actions(replace(CLEAN, deadline=10.0 + left, warned=warned), 10.0) == expected


def test_the_last_minutes_are_saved_and_shipped_sooner() -> None:
    near = replace(DIRTY, deadline=600.0, warned=15)
    assert actions(near, 10.5) == (Take(sweep=False),)
    assert actions(replace(near, dirty_since=None, replicas=(replace(REMOTE, started=5.0),)), 10.0) == (
        Ship("remote"),
    )


def test_it_says_how_long_to_wait() -> None:
    assert decide(CLEAN, 10.0)[-1] == Wait(60.0)
    assert decide(DIRTY, 10.0)[-1] == Wait(11.0)
    assert decide(replace(CLEAN, replicas=(replace(REMOTE, started=9.0),)), 10.0)[-1] == Wait(19.0)
    assert decide(replace(CLEAN, deadline=950.0), 10.0)[-1] == Wait(50.0)


def test_thirty_sessions_together_stay_within_six_pushes_a_minute() -> None:
    for sessions in range(1, 31):
        assert sessions * 60 / remote_interval(sessions) <= 6.0
    assert remote_interval(0) == 10.0
    assert remote_interval(1000) == 300.0


@given(cost=st.floats(0, 100), watching=st.booleans())
def test_sweeps_never_use_more_than_their_share(cost: float, watching: bool) -> None:
    share = cost / sweep_interval(Facts(sweep_cost=cost, watching=watching))
    assert share <= (module.SWEEP_SHARE if watching else module.BLIND_SWEEP_SHARE) * (1 + 1e-9)


@given(failures=st.integers(1, 10_000), roll=st.floats(0, 1), asked=st.none() | st.floats(0, 10_000))
def test_back_off_grows_is_bounded_and_obeys_retry_after(
    failures: int, roll: float, asked: float | None
) -> None:
    wait = back_off(failures, roll, asked)
    assert wait >= (asked or 0.0)
    assert 0 < wait <= max(module.MAX_RETRY, asked or 0.0)
    assert back_off(failures + 1, roll, asked) >= wait


@dataclass
class Simulated:
    """What came of a run: each event's save, and the shipments of one replica."""

    taken: list[float]
    latest_unsaved: float
    shipped: list[float]


def simulate(events: Sequence[float], until: float, *, took: float = 0.0) -> Simulated:
    """Carry out what `decide` says against changes at given moments; a shipment takes `took` seconds."""
    facts = Facts(swept=0.0, replicas=(ReplicaFacts("remote", behind=False),))
    pending, now = sorted(events), 0.0
    done = Simulated([], 0.0, [])
    while now < until:
        *found, wait = decide(facts, now)
        for action in found:
            facts = carry_out(action, facts, now, done)
        replica = facts.replicas[0]
        ends = replica.started + took if replica.busy and replica.started is not None else math.inf
        if found:
            continue
        assert isinstance(wait, Wait)
        assert wait.until is None or wait.until > now
        upcoming = min(pending[0] if pending else math.inf, wait.until or math.inf, ends)
        now = min(upcoming, until)
        if now == ends:
            facts = replace(facts, replicas=(replace(replica, busy=False),))
        if pending and pending[0] <= now:
            event = pending.pop(0)
            since = event if facts.dirty_since is None else facts.dirty_since
            facts = replace(facts, dirty_since=since, last_event=event)
    return done


def carry_out(action: Action, facts: Facts, now: float, done: Simulated) -> Facts:
    replica = facts.replicas[0]
    if isinstance(action, Ship):
        done.shipped.append(now)
        return replace(facts, replicas=(replace(replica, behind=False, busy=True, started=now),))
    assert isinstance(action, Take)
    swept = now if action.sweep else facts.swept
    if facts.dirty_since is None:
        return replace(facts, swept=swept)
    done.taken.append(now)
    done.latest_unsaved = max(done.latest_unsaved, now - facts.dirty_since)
    recent = sum(1 for at in done.taken if at > now - Pace().busy_window)
    return replace(
        facts,
        dirty_since=None,
        last_event=None,
        swept=swept,
        last_snapshot=now,
        recent_snapshots=recent,
        replicas=(replace(replica, behind=True),),
    )


def shortest_gap(moments: Sequence[float]) -> float:
    return min((later - earlier for earlier, later in pairwise(moments)), default=math.inf)


moments = st.lists(st.floats(0.01, 100.0), max_size=60)


@given(events=moments, took=st.floats(0.0, 30.0))
@settings(deadline=None)
def test_nothing_starves_and_no_rate_is_exceeded(events: list[float], took: float) -> None:
    done = simulate(events, until=130.0, took=took)
    assert done.latest_unsaved <= 5.0 + 1e-9
    assert bool(done.taken) == bool(events)
    assert shortest_gap(done.taken) >= 1.0 - 1e-9
    assert shortest_gap(done.shipped) >= 10.0 - 1e-9
    if events and took < 10.0:
        assert done.shipped[-1] >= done.taken[-1]


@given(period=st.floats(0.02, 0.9))
@settings(deadline=None, max_examples=25)
def test_a_continuous_writer_is_saved_every_five_seconds_and_not_more_often(period: float) -> None:
    done = simulate([n * period for n in range(1, int(60 / period))], until=60.0)
    assert len(done.taken) >= 10
    assert shortest_gap(done.taken) >= 5.0 - 1e-9


@given(period=st.floats(1.01, 4.9))
@settings(deadline=None, max_examples=25)
def test_a_writer_that_pauses_a_little_is_soon_saved_every_five_seconds(period: float) -> None:
    done = simulate([n * period for n in range(1, int(600 / period))], until=600.0)
    assert len(done.taken) <= 600 / 5 + module.BUSY_SNAPSHOTS
    assert done.latest_unsaved <= 5.0 + 1e-9


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (Facts(swept=1000.0, risky_since=400.0), "risk"),
        (Facts(swept=4000.0, idle_since=400.0), "idle"),
    ],
)
def test_what_lasts_too_long_is_said_once(facts: Facts, kind: str) -> None:
    now = facts.swept or 0.0
    assert Alert(kind) in decide(facts, now)
    assert Alert(kind) not in decide(replace(facts, alerted=frozenset({kind})), now)
    assert not any(isinstance(action, Alert) for action in decide(facts, 401.0))
