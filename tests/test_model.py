"""The values and their parsers."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.errors import SessionError, UsageError
from gitsession.model import Level, SessionName, default_session_name, parse_duration, parse_size


def test_levels_have_an_order_and_words() -> None:
    assert Level.LOCAL < Level.STORED < Level.SAFE
    assert [Level.parse(str(level)) for level in (Level.LOCAL, Level.STORED, Level.SAFE)] == [1, 2, 3]


@pytest.mark.parametrize("text", ["", "none", "SAFE", "safest"])
def test_other_levels_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Level.parse(text)


def test_a_sessions_refs() -> None:
    name = SessionName.parse("ada", "lesson-3")
    assert name.branch_ref == "refs/heads/session/ada/lesson-3"
    assert SessionName.from_state_ref(name.state_ref) == name
    assert SessionName.from_state_ref(name.done_ref) == name
    assert SessionName.from_state_ref("refs/heads/main") is None
    assert SessionName.from_state_ref("refs/gitsession/a/b/c") is None


@pytest.mark.parametrize("part", ["", "-x", "x/", "a..b", "x.lock", ".x", "x.", "a b", "a\n", "x" * 101, "é"])
def test_names_that_make_no_ref(part: str) -> None:
    for login, name in ((part, "x"), ("x", part)):
        with pytest.raises(SessionError):
            SessionName.parse(login, name)


def test_default_names_are_good_names() -> None:
    name = default_session_name(date(2026, 11, 22))
    assert name.startswith("20261122-")
    assert SessionName.parse("ada", name).name == name


@pytest.mark.parametrize(
    ("text", "size"), [("50MB", 50_000_000), ("1.5 GB", 1_500_000_000), ("7", 7), ("2kib", 2000), (9, 9)]
)
def test_sizes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("12h", 43_200), ("1d", 86_400), (5, 5)]
)
def test_durations(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@given(st.text(max_size=20))
def test_a_value_or_a_clear_error(text: str) -> None:
    for parse in (parse_size, parse_duration):
        try:
            assert parse(text) >= 0
        except UsageError as error:
            assert error.hint
