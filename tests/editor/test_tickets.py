from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.editor.access import Origin, cookie_of, without_our_cookies
from gitsession.editor.back_off import LONGEST_DELAY, STEADY, BackOff
from gitsession.editor.tickets import COOKIE_LIFETIME, MOST_TICKETS, TICKET_LIFETIME, Password, Seal, Tickets

SEAL = Seal(b"k" * 32)


def test_a_ticket_is_good_once_and_for_ten_minutes() -> None:
    tickets = Tickets()
    first, second = tickets.mint(0), tickets.mint(0)
    assert first != second
    assert tickets.redeem(first, 1) and not tickets.redeem(first, 1)
    assert TICKET_LIFETIME == 600 and not tickets.redeem(second, 600)


def test_the_oldest_of_too_many_tickets_is_dropped() -> None:
    tickets = Tickets()
    first = tickets.mint(0)
    rest = [tickets.mint(0) for _ in range(MOST_TICKETS)]
    assert not tickets.redeem(first, 1) and tickets.redeem(rest[0], 1)


def test_a_cookie_is_good_for_its_key_and_its_time() -> None:
    value = SEAL.issue(1000)
    assert SEAL.accepts(value, 1000) and SEAL.accepts(value, 1000 + COOKIE_LIFETIME)
    assert not SEAL.accepts(value, 1001 + COOKIE_LIFETIME) and not SEAL.accepts(value, 999)
    assert not Seal(b"x" * 32).accepts(value, 1000)


@given(st.text())
def test_no_other_text_is_a_cookie(text: str) -> None:
    assert not SEAL.accepts(text, 1000)


@given(st.integers(0, 200), st.characters())
def test_a_changed_cookie_is_refused(place: int, character: str) -> None:
    value = SEAL.issue(1000)
    place %= len(value)
    changed = value[:place] + character + value[place + 1 :]
    assert SEAL.accepts(changed, 1000) == (changed == value)


def test_a_password_is_limited_over_a_minute() -> None:
    password = Password("right", limit=2)
    assert password.accepts("right", 0)
    assert not password.accepts("a", 0) and not password.accepts("b", 30)
    assert not password.accepts("right", 59)
    assert password.accepts("right", 61)


@pytest.mark.parametrize(
    ("header", "left"),
    [
        ("", ""),
        ("a=1", "a=1"),
        ("gitsession-x=1", ""),
        ("a=1; gitsession-x=1;b=2", "a=1; b=2"),
        ("a=gitsession-x", "a=gitsession-x"),
    ],
)
def test_our_cookies_are_left_out(header: str, left: str) -> None:
    assert without_our_cookies(header) == left


def test_a_cookie_that_comes_twice_is_none() -> None:
    assert cookie_of("x=1; y=2", "x") == "1"
    assert cookie_of("x=1; x=2", "x") == ""


def test_an_origin_is_read_from_a_url() -> None:
    assert Origin.of("HTTPS://A.example:8443/x?y") == Origin("https://a.example:8443", "a.example:8443")


def test_restarts_wait_longer_and_longer_until_it_runs_steadily() -> None:
    state, delays = BackOff(), []
    for _ in range(8):
        state = state.after(1.0)
        delays.append(state.delay)
    assert delays == [1, 2, 4, 8, 16, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY]
    assert state.after(STEADY).delay == 0.5
