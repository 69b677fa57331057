from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitsession.agent import inotify
from gitsession.agent.marks import Marked, Marks
from gitsession.agent.watch import Watcher
from gitsession.snapshot.user import UserRepository, discover

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

PROJECT = """
    git init --quiet
    printf 'ignored/\\n*.log\\n/build*\\n' > .gitignore
    mkdir -p src/deep ignored/sub forced/tracked
    echo one > src/one.txt
    echo two > src/deep/two.txt
    echo three > ignored/sub/three.txt
    echo forced/ >> .gitignore
    echo four > forced/tracked/four.txt
    git add .
    git add --force forced/tracked/four.txt
    git commit --quiet -m First
"""
PATIENCE = 20.0


class Watched:
    """A watched repository whose marks a test can wait for."""

    def __init__(self, user: UserRepository, **options: list[Path]) -> None:
        self.tree = user.work_tree
        self.errors: list[Exception] = []
        self.marks = Marks(lambda: None)
        self.watcher = Watcher(user, self.marks, report=self.errors.append, **options)
        self.watcher.start()

    def until(self, condition: Callable[[Marked], bool]) -> Marked:
        deadline = time.monotonic() + PATIENCE
        while not condition(marked := self.marks.look()):
            assert time.monotonic() < deadline, f"waited in vain; marked: {marked}"
            time.sleep(0.02)
        return marked

    def marked(self, *paths: str) -> Marked:
        return self.until(lambda marked: marked.paths >= set(paths))

    def settle(self) -> Marked:
        """What is marked once a probe written now has been seen."""
        probe = self.tree / "probe"
        probe.write_text("")
        marked = self.marked("probe")
        self.marks.collect()
        return marked


@pytest.fixture
def watched(transcript: Callable[[str], Path]) -> Iterator[Watched]:
    found = Watched(discover(transcript(PROJECT)))
    yield found
    found.watcher.stop()
    assert found.errors == []


def test_no_watch_is_spent_on_what_git_ignores(watched: Watched) -> None:
    assert watched.watcher.watched == {"", "src", "src/deep", "forced", "forced/tracked"}


def test_a_write_is_marked(watched: Watched) -> None:
    (watched.tree / "src/one.txt").write_text("changed")
    assert not watched.marked("src/one.txt").git


def test_reading_marks_nothing(watched: Watched) -> None:
    (watched.tree / "src/one.txt").read_text()
    list((watched.tree / "src").iterdir())
    assert watched.settle().paths == {"probe"}


def test_an_atomic_rename_save_is_marked(watched: Watched) -> None:
    aside = watched.tree / "src/.one.txt.swp"
    aside.write_text("changed")
    aside.replace(watched.tree / "src/one.txt")
    watched.marked("src/one.txt")


def test_deletions_renames_and_modes_are_marked(watched: Watched) -> None:
    (watched.tree / "src/one.txt").rename(watched.tree / "src/uno.txt")
    (watched.tree / "src/deep/two.txt").unlink()
    (watched.tree / ".gitignore").chmod(0o755)
    watched.marked("src/one.txt", "src/uno.txt", "src/deep/two.txt", ".gitignore")


def test_new_directories_are_followed_and_what_they_hold_already_is_marked(watched: Watched) -> None:
    (watched.tree / "new/deeper").mkdir(parents=True)
    (watched.tree / "new/deeper/file.txt").write_text("early")
    watched.marked("new/deeper/file.txt")
    watched.settle()
    (watched.tree / "new/deeper/file.txt").write_text("late")
    watched.marked("new/deeper/file.txt")


def test_a_directory_moved_in_brings_its_files(watched: Watched, sealed: Path) -> None:
    outside = sealed / "outside/below"
    outside.mkdir(parents=True)
    (outside / "file.txt").write_text("from elsewhere")
    outside.parent.rename(watched.tree / "inside")
    watched.marked("inside/below/file.txt")


def test_a_moved_directory_is_followed_under_its_new_name(watched: Watched) -> None:
    (watched.tree / "src").rename(watched.tree / "lib")
    watched.marked("src", "lib/one.txt", "lib/deep/two.txt")
    watched.settle()
    (watched.tree / "lib/deep/two.txt").write_text("changed")
    watched.marked("lib/deep/two.txt")
    assert watched.watcher.watched == {"", "lib", "lib/deep", "forced", "forced/tracked"}


def test_a_directory_that_leaves_is_forgotten(watched: Watched, sealed: Path) -> None:
    (watched.tree / "src").rename(sealed / "gone")
    watched.marked("src")
    (sealed / "gone/one.txt").write_text("not ours any more")
    assert "src/one.txt" not in watched.settle().paths
    assert watched.watcher.watched == {"", "forced", "forced/tracked"}


def test_new_ignored_directories_are_left_out(watched: Watched) -> None:
    (watched.tree / "build1/objects").mkdir(parents=True)
    (watched.tree / "ignored/another").mkdir()
    watched.settle()
    (watched.tree / "build1/objects/a.o").write_text("object")
    assert watched.settle().paths == {"probe"}
    assert watched.watcher.watched == {"", "src", "src/deep", "forced", "forced/tracked"}


def test_changed_rules_ask_for_a_sweep_and_change_what_is_watched(watched: Watched) -> None:
    (watched.tree / ".gitignore").write_text("src/deep\n/data/\n")
    watched.until(lambda marked: marked.lost)
    (watched.tree / "data").mkdir()
    watched.settle()
    watched.watcher.reconsider()
    assert watched.watcher.watched == {
        "",
        "src",
        "src/deep",
        "ignored",
        "ignored/sub",
        "forced",
        "forced/tracked",
    }
    (watched.tree / "ignored/sub/three.txt").write_text("not ignored any more")
    watched.marked("ignored/sub/three.txt")


def test_a_file_added_by_force_makes_its_directory_watched(watched: Watched) -> None:
    subprocess.run(["git", "add", "--force", "ignored/sub/three.txt"], cwd=watched.tree, check=True)
    watched.until(lambda marked: marked.git)
    watched.watcher.reconsider()
    assert {"ignored", "ignored/sub"} <= watched.watcher.watched


@pytest.mark.parametrize(
    "command",
    [
        ["add", "new.txt"],
        ["stash", "--include-untracked"],
        ["branch", "topic"],
        ["branch", "deep/er/topic"],
        ["tag", "v1"],
        ["reset", "--quiet", "--soft", "HEAD"],
        ["checkout", "--quiet", "--detach"],
    ],
)
def test_git_commands_are_seen(watched: Watched, command: list[str]) -> None:
    (watched.tree / "new.txt").write_text("new")
    watched.settle()
    subprocess.run(["git", *command], cwd=watched.tree, check=True)
    watched.until(lambda marked: marked.git)


def test_later_refs_in_new_directories_are_seen(watched: Watched) -> None:
    subprocess.run(["git", "branch", "a/b/one"], cwd=watched.tree, check=True)
    watched.until(lambda marked: marked.git)
    watched.settle()
    subprocess.run(["git", "branch", "a/b/two"], cwd=watched.tree, check=True)
    watched.until(lambda marked: marked.git)


def test_objects_and_nested_repositories_are_not_watched(watched: Watched) -> None:
    subprocess.run(["git", "init", "--quiet", "nested"], cwd=watched.tree, check=True)
    subprocess.run(
        ["git", "hash-object", "-w", ".gitignore"], cwd=watched.tree, check=True, capture_output=True
    )
    watched.settle()
    assert not any(path.startswith("nested/.git") for path in watched.watcher.watched)


def test_directories_left_out_are_not_watched(transcript: Callable[[str], Path]) -> None:
    user = discover(transcript(PROJECT))
    (user.work_tree / "vault/sessions").mkdir(parents=True)
    found = Watched(user, left_out=[user.work_tree / "vault"])
    assert "vault" not in found.watcher.watched
    assert "vault/sessions" not in found.watcher.watched
    found.watcher.stop()


def test_a_linked_work_tree_is_watched_with_its_own_git_directory(transcript: Callable[[str], Path]) -> None:
    main = transcript(PROJECT)
    subprocess.run(["git", "worktree", "add", "--quiet", "../linked"], cwd=main, check=True)
    found = Watched(discover(main.parent / "linked"))
    subprocess.run(["git", "checkout", "--quiet", "--detach"], cwd=main.parent / "linked", check=True)
    found.until(lambda marked: marked.git)
    found.marks.collect()
    subprocess.run(["git", "branch", "topic"], cwd=main, check=True)
    found.until(lambda marked: marked.git)
    found.watcher.stop()


def test_names_that_are_not_utf8_are_marked(watched: Watched) -> None:
    name = os.fsdecode(b"src/caf\xe9\nline")
    (watched.tree / name).write_text("x")
    watched.marked(name)


def test_a_burst_of_files_is_marked_completely_or_asks_for_a_sweep(watched: Watched) -> None:
    names = [f"burst/{number % 50}/{number}" for number in range(2_000)]
    for number in range(50):
        (watched.tree / f"burst/{number}").mkdir(parents=True)
    for name in names:
        (watched.tree / name).touch()
    watched.until(lambda marked: marked.lost or marked.paths >= set(names))


def test_an_overflow_asks_for_a_sweep(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inotify.Event, "is_overflow", True)
    (watched.tree / "one").write_text("")
    watched.until(lambda marked: marked.lost)


def test_a_deleted_work_tree_asks_for_a_sweep(watched: Watched, sealed: Path) -> None:
    watched.tree.rename(sealed / "elsewhere")
    watched.until(lambda marked: marked.lost)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EMFILE])
def test_a_limit_is_said_and_the_rest_is_watched(
    transcript: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    real = inotify.Inotify.add

    def limited(self: inotify.Inotify, path: bytes) -> int:
        if path.endswith(b"deep"):
            raise OSError(code, "limit")
        return real(self, path)

    monkeypatch.setattr(inotify.Inotify, "add", limited)
    found = Watched(discover(transcript(PROJECT)))
    assert not found.watcher.watching
    assert "limit" in found.watcher.trouble
    (found.tree / "src/one.txt").write_text("still seen")
    found.marked("src/one.txt")
    found.watcher.stop()


def test_stopping_ends_the_thread(watched: Watched) -> None:
    watched.watcher.stop()
    deadline = time.monotonic() + PATIENCE
    while any(thread.name == "watch" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
