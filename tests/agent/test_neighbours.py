"""How many sessions share the pushes that GitHub advises: by what is seen to move, by no clock of theirs."""

from __future__ import annotations

import pytest

from gitsession.agent import neighbours
from gitsession.agent.decide import MAX_SHIP_INTERVAL, remote_interval
from gitsession.agent.neighbours import ACTIVE_FOR, LOOK_INTERVAL, SECOND_LOOK, Neighbours
from gitsession.model import SessionName
from gitsession.replicas.base import Found

OWN = SessionName("ada", "lesson")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(neighbours, "time", clock)
    return clock


def sessions(*states: str) -> list[Found]:
    """My session, and one of a pupil's for each further state."""
    names = [OWN, *(SessionName(f"pupil-{number}", "lesson") for number in range(len(states)))]
    return [Found(name, state, at=-1e9) for name, state in zip(names, ("mine", *states), strict=True)]


def test_who_moves_is_counted_and_who_rests_is_not(clock: Clock) -> None:
    seen = Neighbours()
    assert seen.is_due()
    assert seen.count(sessions("a", "b", "c"), OWN) == 1
    assert not seen.is_due()
    clock.now += SECOND_LOOK
    assert seen.is_due()
    assert seen.count(sessions("a2", "b", "c2"), OWN) == 3
    clock.now += LOOK_INTERVAL
    assert seen.count(sessions("a2", "b", "c2", "new"), OWN) == 4
    clock.now += ACTIVE_FOR + 1
    assert seen.count(sessions("a2", "b2", "c2", "new"), OWN) == 2


def test_those_that_ended_or_are_gone_are_not_counted(clock: Clock) -> None:
    seen = Neighbours()
    seen.count(sessions("a", "b"), OWN)
    clock.now += SECOND_LOOK
    assert seen.count(sessions("a2", "b2"), OWN) == 3
    own, first, second = sessions("a2", "b2")
    clock.now += LOOK_INTERVAL
    assert seen.count([own, first, Found(second.session, "b3", finished=True)], OWN) == 2
    assert seen.count([own], OWN) == 1


def test_thirty_that_push_as_seldom_as_they_may_still_count_each_other(clock: Clock) -> None:
    seen = Neighbours()
    seen.count(sessions(*("0" * 29)), OWN)
    clock.now += SECOND_LOOK
    intervals = []
    for _ in range(40):
        turn = int(clock.now // MAX_SHIP_INTERVAL)
        intervals.append(remote_interval(seen.count(sessions(*([str(turn)] * 29)), OWN)))
        clock.now += LOOK_INTERVAL
    assert set(intervals) == {MAX_SHIP_INTERVAL}
