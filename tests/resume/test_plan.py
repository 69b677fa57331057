"""Which session, and which copy of it: tables, and properties over random histories."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.errors import SessionError
from gitsession.model import SessionName
from gitsession.resume.plan import Choice, Continue, Line, Start, Wanted, choose, plan

ADA = SessionName("ada", "one")


def line(
    where: str = "remote",
    name: str = "one",
    *,
    login: str = "ada",
    snapshot: str = "s1",
    number: int = 1,
    counter: int = 1,
    finished: bool = False,
) -> Line:
    return Line(where, SessionName(login, name), f"state-{where}", snapshot, number, counter, finished)


def ladder(newer: str, older: str) -> bool:
    """A straight history: s1, s2, s3, …; a fork of it is written s2-x."""
    return newer == older or ("-" not in older and int(newer[1]) > int(older[1]))


def test_nothing_there_starts_a_new_session() -> None:
    assert plan([], ladder) == Start()


def test_the_copy_that_is_ahead_is_continued() -> None:
    vault = line("vault", snapshot="s3", number=3)
    assert plan([line(snapshot="s2", number=2), vault], ladder) == Continue(vault)


def test_ancestry_beats_numbers_and_counters() -> None:
    rebuilt = line("vault", snapshot="s3", number=2, counter=1)
    behind = line("remote", snapshot="s2", number=9, counter=9)
    assert plan([behind, rebuilt], ladder) == Continue(rebuilt)


def test_of_equal_snapshots_the_vaults_state_is_the_fuller() -> None:
    vault = line("vault")
    assert plan([line("remote"), vault], ladder) == Continue(vault)


def test_of_equal_snapshots_the_later_opening_wins() -> None:
    remote = line("remote", counter=2)
    assert plan([line("vault"), remote], ladder) == Continue(remote)


def test_two_histories_keep_both() -> None:
    longer, shorter = line(snapshot="s3-x", number=3), line("vault", snapshot="s2-y", number=2)
    assert plan([shorter, longer], ladder) == Continue(longer, (shorter,))


def test_three_histories_keep_all_but_what_another_holds() -> None:
    longest, other = line(snapshot="s4-x", number=4), line("vault", snapshot="s3-y", number=3)
    local = line("local", snapshot="s2", number=2)
    assert plan([local, other, longest], ladder) == Continue(longest, (other,))


def test_snapshots_that_never_left_this_machine_are_continued() -> None:
    local = line("local", snapshot="s5", number=5)
    assert plan([line(snapshot="s3", number=3), local], ladder) == Continue(local)


def test_of_equal_snapshots_a_replica_comes_before_this_machine() -> None:
    remote = line("remote")
    assert plan([line("local"), remote], ladder) == Continue(remote)


def pick(
    lines: list[Line],
    name: str | None = None,
    *,
    take_over: bool = False,
    leads: bool = True,
    stem: str = "",
    running: frozenset[SessionName] = frozenset(),
) -> Choice:
    return choose(lines, Wanted("ada", name, "fresh", stem, take_over, leads, running))


def test_the_newest_unfinished_session_of_ones_own_is_chosen() -> None:
    lines = [
        line(name="old", counter=4),
        line(name="newest", counter=7),
        line(name="longest", counter=6, number=99),
        line(name="done", counter=9, finished=True),
        line(name="theirs", login="grace", counter=11),
    ]
    chosen = pick(lines)
    assert chosen == Choice(SessionName("ada", "newest"), SessionName("ada", "newest"))
    assert chosen.resumes


def test_a_session_finished_in_one_place_is_finished() -> None:
    lines = [line("vault", counter=3), line("remote", counter=3, finished=True)]
    assert pick(lines) == Choice(SessionName("ada", "fresh"))


def test_a_named_session_is_resumed_or_new() -> None:
    lines = [line(name="one", counter=1), line(name="two", counter=5)]
    assert pick(lines, "one") == Choice(ADA, ADA)
    assert pick(lines, "ada/one") == Choice(ADA, ADA)
    assert pick(lines, "three") == Choice(SessionName("ada", "three"))


def test_a_named_session_that_is_finished_is_an_error_that_says_what_is_safe() -> None:
    with pytest.raises(SessionError, match="finished") as caught:
        pick([line(finished=True)], "one")
    assert caught.value.safe


def test_naming_another_persons_session_starts_ones_own_from_it() -> None:
    theirs = SessionName("grace", "theirs")
    chosen = pick([line(login="grace", name="theirs", counter=99)], "theirs")
    assert chosen == Choice(SessionName("ada", "theirs"), theirs)
    assert not chosen.resumes


def test_another_persons_session_beside_one_of_the_same_name_gets_a_name_of_its_own() -> None:
    lines = [line(name="one"), line(name="one", login="grace")]
    assert pick(lines, "grace/one") == Choice(SessionName("ada", "one-fork-1"), SessionName("grace", "one"))
    assert pick(lines, "one") == Choice(ADA, ADA)


def test_only_taking_over_takes_another_persons_session() -> None:
    theirs = SessionName("grace", "theirs")
    assert pick([line(login="grace", name="theirs")], "theirs", take_over=True) == Choice(theirs, theirs)


def test_a_name_that_several_others_use_is_not_guessed_at() -> None:
    lines = [line(name="hw", login="grace"), line(name="hw", login="edsger")]
    with pytest.raises(SessionError, match="Several people"):
        pick(lines, "hw")
    assert pick(lines, "grace/hw").source == SessionName("grace", "hw")


def test_a_session_of_somebody_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(SessionError, match="no session"):
        pick([line()], "grace/one")


def test_a_run_that_nobody_watches_starts_from_the_newest_and_takes_no_lease() -> None:
    chosen = pick([line(counter=3)], leads=False)
    assert chosen == Choice(SessionName("ada", "fresh"), ADA)
    assert pick([line()], "one", leads=False) == Choice(SessionName("ada", "one-fork-1"), ADA)


def test_a_pull_request_has_sessions_of_its_own() -> None:
    lines = [line(name="one", counter=9), line(name="pull-7", counter=2), line(name="pull-71", counter=8)]
    pull = SessionName("ada", "pull-7")
    assert pick(lines, stem="pull-7") == Choice(pull, pull)
    assert pick(lines[:1], stem="pull-7") == Choice(SessionName("ada", "fresh"))


def test_a_session_that_runs_on_this_machine_is_not_taken_from_itself() -> None:
    lines = [line(counter=9), line(name="two", counter=1)]
    two = SessionName("ada", "two")
    assert pick(lines, running=frozenset({ADA})) == Choice(two, two)
    with pytest.raises(SessionError, match="running on this machine"):
        pick(lines, "one", running=frozenset({ADA}))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["remote", "vault", "local"]),
            st.integers(1, 5),
            st.integers(1, 5),
            st.sampled_from(["", "-x", "-y"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_there_is_continued_or_kept(copies: list[tuple[str, int, int, str]]) -> None:
    lines = [line(where, snapshot=f"s{n}{way}", number=n, counter=c) for where, n, c, way in copies]
    decided = plan(lines, ladder)
    assert isinstance(decided, Continue)
    kept = {decided.line.snapshot, *(other.snapshot for other in decided.others)}
    assert all(any(ladder(one, other.snapshot) for one in kept) for other in lines)
