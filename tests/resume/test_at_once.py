"""Two slow places are waited for at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from gitsession.errors import StorageError
from gitsession.resume.at_once import both


def test_neither_waits_for_the_other_to_end() -> None:
    meeting = threading.Barrier(2, timeout=30.0)
    assert sorted(both(meeting.wait, meeting.wait)) == [0, 1]


def failing() -> int:
    raise StorageError("no answer")


def fine() -> int:
    return 1


@pytest.mark.parametrize(("aside", "here"), [(failing, fine), (fine, failing)])
def test_what_either_raises_is_raised(aside: Callable[[], int], here: Callable[[], int]) -> None:
    with pytest.raises(StorageError, match="no answer"):
        both(aside, here)
