from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.model import SessionName
from gitsession.replicas.base import Found
from gitsession.replicas.lease import UNCONFIRMED_AFTER, Lead, Tenure, fork_name, next_counter

SESSION = SessionName("ada", "lesson")
NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,98}[A-Za-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("tenure", "now", "lead"),
    [
        (Tenure("r", 1), 0.0, Lead.UNCONFIRMED),
        (Tenure("r", 1).agreed(100.0), 100.0, Lead.LEADS),
        (Tenure("r", 1).agreed(100.0), 100.0 + UNCONFIRMED_AFTER, Lead.LEADS),
        (Tenure("r", 1).agreed(100.0), 100.1 + UNCONFIRMED_AFTER, Lead.UNCONFIRMED),
        (Tenure("r", 1).agreed(100.0).agreed(200.0), 230.0, Lead.LEADS),
        (Tenure("r", 1).agreed(100.0).disagreed(), 100.0, Lead.LOST),
        (Tenure("r", 1).disagreed().agreed(100.0), 100.0, Lead.LOST),
        (Tenure("r", 1, remote=False), 1e9, Lead.ALONE),
    ],
)
def test_who_leads(tenure: Tenure, now: float, lead: Lead) -> None:
    assert tenure.lead(now) is lead


def test_the_counter_is_above_every_place_that_knows_the_session() -> None:
    found = [
        Found(SESSION, "s", counter=3, where="remote"),
        Found(SESSION, "t", counter=7, where="vault"),
        Found(SessionName("ada", "other"), "u", counter=99),
    ]
    assert next_counter(found, SESSION) == 8
    assert next_counter([], SESSION) == 1
    assert next_counter([Found(SESSION, "s")], SESSION) == 2


def test_forks_count_on() -> None:
    one = fork_name(SESSION, [])
    two = fork_name(SESSION, [one])
    assert [one.name, two.name] == ["lesson-fork-1", "lesson-fork-2"]
    assert fork_name(one, [SESSION]).name == "lesson-fork-2"
    assert fork_name(two, []).name == "lesson-fork-3"
    assert fork_name(SESSION, [SessionName("grace", "lesson-fork-1")]).name == "lesson-fork-1"


@given(NAMES, st.integers(0, 12))
def test_a_fork_has_a_good_name_that_nobody_has(name: str, forks: int) -> None:
    taken = [SessionName.parse("ada", name)]
    for _ in range(forks):
        fork = fork_name(taken[0], taken)
        assert SessionName.parse(fork.login, fork.name) not in taken
        taken.append(fork)
