from __future__ import annotations

import pytest

from gitsession.errors import UsageError
from gitsession.snapshot.patterns import check, matcher, pathspecs

PATHS = ("checkpoints/a/1.pt", "checkpoints/2.pt", "x/t.log", "t.log", "train.py", "deep/checkpoints/3.pt")


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("checkpoints/**", PATHS[:2]),
        ("checkpoints", (*PATHS[:2], PATHS[5])),
        ("checkpoints/", (*PATHS[:2], PATHS[5])),
        ("*.log", PATHS[2:4]),
        ("x/*.log", PATHS[2:3]),
        ("checkpoints/*.pt", PATHS[1:2]),
        ("**/*.pt", (*PATHS[:2], PATHS[5])),
        ("checkpoints/[0-9].pt", PATHS[1:2]),
        ("checkpoints/[!0-9].pt", ()),
        ("trai?.py", PATHS[4:5]),
    ],
)
def test_a_pattern_means_what_it_means_in_gitignore(pattern: str, meant: tuple[str, ...]) -> None:
    assert tuple(filter(matcher([pattern]), PATHS)) == meant


@pytest.mark.parametrize("pattern", ["", "/", "/etc/passwd", "../x", "a/../b", "a\nb"])
def test_what_leads_outside_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError):
        check(pattern)


def test_git_is_asked_for_the_name_and_what_is_below() -> None:
    assert pathspecs("*.pt") == (":(glob)**/*.pt", ":(glob)**/*.pt/**")
