"""The tab's notebook in the work tree: written where it belongs, beside it, or not at all."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsession.errors import UsageError
from gitsession.notebook.capture import Capture, checked_path, earlier, notebooks
from gitsession.notebook.lineage import Take
from tests.notebook.conftest import cell, notebook_of, sources


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    (tmp_path / "notebooks").mkdir()
    return tmp_path


def capture(worktree: Path, *earlier: tuple[str, ...]) -> Capture:
    return Capture(worktree, "notebooks/a.ipynb", earlier)


def tab(*texts: str) -> dict[str, object]:
    return notebook_of(*(cell(text) for text in texts))


def test_follows_the_tab(worktree: Path) -> None:
    file = worktree / "notebooks/a.ipynb"
    follows = capture(worktree)
    assert follows.take(tab("one")).wrote == "notebooks/a.ipynb"
    assert follows.take(tab("one")).wrote is None
    assert follows.take(tab("two")).wrote == "notebooks/a.ipynb"
    assert sources(file) == ["two"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_keeps_the_mode(worktree: Path) -> None:
    file = worktree / "notebooks/a.ipynb"
    capture(worktree).take(tab("one"))
    file.chmod(0o755)
    capture(worktree).take(tab("one", "two"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o755


def test_never_writes_over_what_was_edited_elsewhere(worktree: Path) -> None:
    file, other = worktree / "notebooks/a.ipynb", worktree / "notebooks/a.from-tab.ipynb"
    follows = capture(worktree)
    follows.take(tab("one"))
    edited = file.read_text().replace("one", "edited in the editor")
    file.write_text(edited)
    assert follows.take(tab("one", "two")).take is Take.BESIDE
    assert file.read_text() == edited
    assert sources(other) == ["one", "two"]
    follows.take_over()
    assert follows.take(tab("one", "two")).take is Take.WRITE
    assert sources(file) == ["one", "two"]


def test_takes_nothing_from_a_tab_that_is_older(worktree: Path) -> None:
    capture(worktree).take(tab("one", "two"))
    found = capture(worktree, ("one", "zero")).take(tab("one", "zero"))
    assert (found.take, found.stale, found.wrote) == (Take.NOTHING, True, None)
    assert sources(worktree / "notebooks/a.ipynb") == ["one", "two"]


def test_what_is_no_notebook_is_not_written_over(worktree: Path) -> None:
    (worktree / "notebooks/a.ipynb").write_text("not JSON")
    assert capture(worktree).take(tab("one")).take is Take.BESIDE
    assert (worktree / "notebooks/a.ipynb").read_text() == "not JSON"


@pytest.mark.parametrize("path", ["/etc/a.ipynb", "../a.ipynb", "a.py", ".git/a.ipynb", "", "out/a.ipynb"])
def test_stays_inside_the_work_tree(worktree: Path, path: str) -> None:
    (worktree / "out").symlink_to(worktree.parent)
    with pytest.raises(UsageError):
        checked_path(worktree, path)


def test_a_link_that_came_later_is_not_followed_out(worktree: Path) -> None:
    follows = capture(worktree)
    (worktree / "notebooks").rmdir()
    (worktree / "notebooks").symlink_to(worktree.parent)
    with pytest.raises(UsageError):
        follows.take(tab("one"))
    assert not (worktree.parent / "a.ipynb").exists()


def test_earlier_versions_come_from_git(transcript: Callable[[str], Path]) -> None:
    work = transcript(
        """
        git init -q -b main
        echo '{"cells": [{"source": "one"}]}' > a.ipynb
        git add a.ipynb
        git commit -q -m one
        echo '{"cells": [{"source": "two"}]}' > a.ipynb
        git commit -q -a -m two
        echo broken > a.ipynb
        git commit -q -a -m three
        """
    )
    from gitsession.git import Repository

    shadow = Repository(work / ".git")
    assert earlier(shadow, work, "a.ipynb", None) == ()
    assert set(earlier(shadow, work, "a.ipynb", "main")) == {("one",), ("two",)}
    assert earlier(shadow, work, "missing.ipynb", "main") == ()
    assert notebooks(work) == ("a.ipynb",)
