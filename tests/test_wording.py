"""Words for people."""

from __future__ import annotations

import pytest

from gitsession.wording import human_age, human_size, human_span, inert


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0 s"), (45, "45 s"), (720, "12 min"), (3600, "1 h 0 min"), (33_120, "9 h 12 min")],
)
def test_spans(seconds: float, said: str) -> None:
    assert human_span(seconds) == said


@pytest.mark.parametrize(("size", "said"), [(0, "0 bytes"), (1400, "1.4 kB"), (5_000_000_000_000, "5.0 TB")])
def test_sizes(size: int, said: str) -> None:
    assert human_size(size) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(-1, "0 s ago"), (12, "12 s ago"), (180, "3 min ago"), (200_000, "2 days ago")]
)
def test_ages(seconds: float, said: str) -> None:
    assert human_age(seconds) == said


def test_what_could_act_is_shown() -> None:
    assert inert("a\tb\x1b[0m\u202e\n") == "a\tb\\x1b[0m\\u202e\\n"
