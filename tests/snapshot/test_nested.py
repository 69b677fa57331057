"""Repositories inside the work tree: what they hold is looked at, and nothing that they name is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitsession import git
from gitsession.snapshot import nested
from tests.rig.repositories import transcript

OUTER = """
    git init -q; echo 1 > a.txt; git add a.txt; git commit -qm a
    git init -q inner; echo 1 > inner/b.txt; git -C inner add b.txt; git -C inner commit -qm b
    git -c advice.addEmbeddedRepo=false add inner; git commit -qm inner
"""


@pytest.fixture
def outer(sealed: Path) -> Path:
    return transcript(sealed / "outer", OUTER)


def looked_at(outer: Path) -> bool:
    repository = nested.repository_at(outer)
    assert isinstance(repository, git.Repository)
    return nested.has_own_work(repository)


def test_a_clean_one_has_no_work(outer: Path) -> None:
    assert not looked_at(outer)


@pytest.mark.parametrize("path", ["a.txt", "new.txt", "inner/b.txt", "inner/new.txt"])
def test_work_is_seen_also_in_one_within_one(outer: Path, path: str) -> None:
    (outer / path).write_text("work")
    assert looked_at(outer)


@pytest.mark.parametrize("place", [".", "inner"])
@pytest.mark.parametrize("driver", ["plain", "with=equals"])
def test_its_filters_and_its_watcher_are_not_run(outer: Path, place: str, driver: str) -> None:
    mark = outer.parent / "ran"
    section = f'[filter "{driver}"]\\n\\tclean = touch {mark} && cat\\n\\trequired = true\\n'
    transcript(
        outer / place,
        f"""
        echo '*.txt filter={driver}' > .git/info/attributes
        printf '{section}' >> .git/config
        git config core.fsmonitor 'touch {mark}'
        """,
    )
    for path in outer.rglob("*.txt"):
        path.touch()
    looked_at(outer)
    assert not mark.exists()
