"""What `--session` may say: a plain name, or whose it is before it."""

from __future__ import annotations

import pytest

from gitsession.errors import SessionError
from gitsession.resume.options import Options


@pytest.mark.parametrize(
    "name", ["../lesson", "x/y/z", "/lesson", "lesson/", "ä", "a b", "a..b", "x.lock", "l" * 101]
)
def test_a_name_that_cannot_be_meant_is_refused_before_anything_is_touched(name: str) -> None:
    with pytest.raises(SessionError, match="cannot name a session"):
        Options("ada/engine", session=name).check()


@pytest.mark.parametrize("name", ["lesson", "lesson-3", "grace/lesson"])
def test_a_name_and_whose_it_is_pass(name: str) -> None:
    Options("ada/engine", session=name).check()
