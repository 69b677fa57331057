from __future__ import annotations

from gitsession.agent.marks import MANY, WRITING_GRACE, Marks


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


def make() -> tuple[Marks, Clock, list[float]]:
    clock, woken = Clock(), list[float]()
    return Marks(lambda: woken.append(clock.now), clock), clock, woken


def test_nothing_is_marked_at_first() -> None:
    marks, _, woken = make()
    marks.mark([])
    assert not marks.look()
    assert woken == []


def test_it_keeps_the_first_and_the_last_moment() -> None:
    marks, clock, _ = make()
    marks.mark(["a"])
    clock.now = 12.0
    marks.mark_git()
    marked = marks.look()
    assert (marked.first, marked.last, marked.paths, marked.git) == (10.0, 12.0, frozenset("a"), True)


def test_only_news_wakes() -> None:
    marks, clock, woken = make()
    marks.mark(["a"])
    clock.now = 11.0
    marks.mark(["a", "b"])
    marks.mark_git()
    assert woken == [10.0]
    marks.collect()
    clock.now = 12.0
    marks.mark(["a"])
    assert woken == [10.0, 12.0]


def test_a_file_that_is_being_written_counts_a_little_later_until_it_is_closed() -> None:
    marks, clock, woken = make()
    marks.mark(["a"], writing=True)
    assert marks.look().last == 10.0 + WRITING_GRACE
    clock.now = 10.01
    marks.mark(["a"])
    assert marks.look().last == 10.01
    assert woken == [10.0, 10.01]


def test_what_is_collected_is_gone_and_what_is_put_back_is_as_old_as_it_was() -> None:
    marks, clock, _ = make()
    marks.mark(["a"])
    marks.mark_lost()
    collected = marks.collect()
    assert not marks.look()
    clock.now = 15.0
    marks.mark(["b"])
    marks.put_back(collected)
    marked = marks.look()
    assert (marked.paths, marked.lost, marked.first, marked.last) == (frozenset("ab"), True, 10.0, 15.0)


def test_too_many_paths_become_a_sweep() -> None:
    marks, _, _ = make()
    marks.mark([str(number) for number in range(MANY)])
    assert not marks.look().lost
    marks.mark(["one more"])
    assert marks.look().lost
