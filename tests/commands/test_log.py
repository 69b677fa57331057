"""What the timeline says of what ran."""

from __future__ import annotations

from typing import Any

import pytest

from gitsession.commands.log import row, what_ran
from gitsession.model import Snapshot


@pytest.mark.parametrize(
    ("ran", "words"),
    [
        (None, ""),
        ({"cell": 12, "seconds": 3.2, "ok": True, "error": ""}, "cell 12 · 3 s"),
        ({"cell": 12, "seconds": 0.2, "error": "ValueError"}, "cell 12: ValueError"),
        ({"cell": 1, "seconds": None}, "cell 1"),
        ({"cell": 12, "seconds": 3.2, "gpu": "Tesla T4"}, "cell 12 · 3 s · Tesla T4"),
        ({"cell": 12, "running": True}, "during cell 12"),
        ({"cell": 12, "seconds": None, "error": "kernel ended"}, "cell 12: kernel ended"),
        ({"command": "python train.py", "exit": 1, "seconds": 130}, "python train.py: exit 1 · 2 min"),
        ({"command": "make", "exit": 0, "seconds": "long"}, "make"),
        ({"other": 1}, ""),
    ],
)
def test_what_ran_is_told_in_a_few_words(ran: dict[str, Any] | None, words: str) -> None:
    assert what_ran(ran) == words


def test_a_line_says_how_much_is_new_and_what_was_held() -> None:
    told = row(Snapshot(7, "a" * 40, 1000.0, "wip: a", 1_400_000, 2, {"cell": 3}), 1012.0)
    assert told == (7, "12 s ago", "wip: a", "cell 3", "1.4 MB, 2 held", "a" * 10)
