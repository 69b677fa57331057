"""Which session, and which copy of it: tables, and properties over random histories."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.errors import SessionError
from gitsession.model import SessionName
from gitsession.resume.plan import Continue, Line, Start, choose, fork_name, plan

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
    assert plan([shorter, longer], ladder) == Continue(longer, shorter)


def test_the_newest_unfinished_session_of_ones_own_is_chosen() -> None:
    lines = [
        line(name="old", counter=4),
        line(name="newest", counter=7),
        line(name="done", counter=9, finished=True),
        line(name="theirs", login="grace", counter=11),
    ]
    assert choose(lines, "ada", None) == SessionName("ada", "newest")


def test_a_session_finished_in_one_place_is_finished() -> None:
    lines = [line("vault", counter=3), line("remote", counter=3, finished=True)]
    assert choose(lines, "ada", None) is None


def test_a_named_session_is_resumed_or_new() -> None:
    lines = [line(name="one", counter=1), line(name="two", counter=5)]
    assert choose(lines, "ada", "one") == ADA
    assert choose(lines, "ada", "three") is None


def test_a_named_session_that_is_finished_is_an_error_that_says_what_is_safe() -> None:
    with pytest.raises(SessionError, match="finished") as caught:
        choose([line(finished=True)], "ada", "one")
    assert caught.value.safe


def test_another_persons_session_is_never_resumed_by_itself() -> None:
    assert choose([line(login="grace", name="theirs", counter=99)], "ada", "theirs") is None


def test_fork_names_count_up() -> None:
    taken = [ADA, SessionName("ada", "one-fork-1")]
    assert fork_name(ADA, taken) == SessionName("ada", "one-fork-2")


@given(
    st.lists(
        st.tuples(st.sampled_from(["remote", "vault"]), st.integers(1, 5), st.integers(1, 5)),
        min_size=1,
        max_size=2,
        unique_by=lambda entry: entry[0],
    )
)
def test_whatever_is_there_is_continued_or_kept(copies: list[tuple[str, int, int]]) -> None:
    lines = [line(where, snapshot=f"s{n}", number=n, counter=c) for where, n, c in copies]
    decided = plan(lines, ladder)
    assert isinstance(decided, Continue)
    kept = {decided.line.snapshot, *([decided.other.snapshot] if decided.other else [])}
    assert all(any(ladder(one, other.snapshot) for one in kept) for other in lines)
