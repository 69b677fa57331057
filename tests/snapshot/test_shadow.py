"""The shadow repository: what it keeps through the user's housekeeping, and that theirs stays as it was."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import resource
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitsession.errors import GitError, SaveError, SessionError
from gitsession.files import TEMPORARY_PREFIX
from gitsession.snapshot import tend, trailers
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.trees import REGULAR, Entry
from gitsession.snapshot.values import Tip
from tests.snapshot.scene import Scene, scene
from tests.snapshot.test_exactness import plain


def fingerprint(git_dir: Path) -> dict[str, str]:
    """Every file of the user's repository, objects aside, with its content and time."""
    files = (path for path in git_dir.rglob("*") if path.is_file() and "objects" not in path.parts)
    return {
        str(path): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
        for path in files
    }


def test_the_users_repository_is_not_touched(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        before, status = fingerprint(made.work / ".git"), made.git("status", "--porcelain")
        stored = sorted(path.name for path in (made.work / ".git/objects").rglob("*"))
        for number in range(20):
            made.write("readme", f"{number}\n")
            made.take(*(["readme"] if number % 2 else []))
        made.shadow.settle()
        made.shadow.tend()
        made.git("checkout", "-q", "readme")
        assert status == made.git("status", "--porcelain")
        assert set(fingerprint(made.work / ".git")) == set(before)
        assert sorted(path.name for path in (made.work / ".git/objects").rglob("*")) == stored


def test_their_garbage_collection_takes_nothing_from_us(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        made.take()
        made.git("commit", "-q", "--amend", "-m", "another")
        made.git("reflog", "expire", "--expire=now", "--all")
        made.git("gc", "-q", "--prune=now")
        made.write("readme", "after\n")
        assert made.take() is not None
        assert made.fsck() == ""


def test_links_to_packs_that_they_dropped_are_let_go(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        made.git("gc", "-q")
        made.take()
        made.shadow.adopt_objects()
        made.write("more", "x")
        made.commit()
        made.git("gc", "-q")
        made.shadow.adopt_objects()
        made.take()
        while made.shadow.tend():
            pass
        theirs = {path.name for path in (made.work / ".git/objects/pack").glob("*.pack")}
        linked = {
            path.with_suffix(".pack").name for path in made.shadow.directory.glob("objects/pack/*.keep")
        }
        assert linked == theirs
        assert made.fsck() == ""


def test_packing_stays_within_its_bounds_and_loses_nothing(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        for number in range(60):
            made.write("readme", f"{number}\n" * 200)
            made.take("readme")
            made.shadow.settle()
            while made.shadow.tend():
                pass
        packs = list(made.shadow.directory.glob("objects/pack/*.pack"))
        assert len(packs) < 4 * tend.GATHERED
        assert made.fsck() == ""
        assert made.git("rev-list", "--count", made.shadow.tip().commit, cwd=made.shadow.directory) == "60"  # type: ignore[union-attr]


def test_the_tip_survives_reopening(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        made.take()
        unsettled = made.shadow.tip()
        made.close()
        made.open()
        assert made.shadow.tip() == unsettled
        made.shadow.settle()
        made.close()
        made.open()
        assert made.shadow.tip() == unsettled


def test_one_process_at_a_time(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made, pytest.raises(SessionError):
        Shadow.open(made.shadow.directory, made.user, patience=0.05)


def test_a_resumed_snapshot_is_adopted(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        first = made.take()
        made.write("readme", "2\n")
        second = made.take()
        assert first is not None
        assert second is not None
        made.shadow.settle()
        made.shadow.adopt(41, first.commit)
        made.write("readme", "3\n")
        third = made.take()
        assert third is not None
        assert (third.number, third.parent) == (42, first.commit)
        with pytest.raises(GitError, match="missing"):
            made.shadow.adopt(1, "0" * 39 + "1")


def test_a_rebuild_stands_in_for_what_may_not_leave(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        acknowledged = made.take()
        assert acknowledged is not None
        allowed = Entry(REGULAR, bytes.fromhex(made.listed()["readme"].split()[2]))
        made.write("readme", "a secret")
        made.write("new", "another secret")
        made.write("src/a.py", "fine")
        made.take()
        rebuilt = made.snapshots.rebuild(acknowledged.commit, {"readme": allowed, "new": None})
        assert rebuilt.parent == acknowledged.commit
        assert made.content("src/a.py") == "fine"
        assert made.content("readme") == "hello"
        assert "new" not in made.listed()
        text = made.git("log", "-1", "--format=%B", rebuilt.commit, cwd=made.shadow.directory)
        assert trailers.parse(text).replaces is not None
        held = {"readme": "secret", "new": "secret"}
        assert made.snapshots.take(None, head=made.head, held=held) is None


def test_the_first_snapshot_builds_on_what_the_remote_holds(sealed: Path) -> None:
    def cloned(made: Scene) -> None:
        plain(made)
        made.git("init", "-q", "--bare", str(made.root / "remote"))
        made.git("remote", "add", "origin", str(made.root / "remote"))
        made.git("push", "-q", "origin", "main")
        made.published = made.git("rev-parse", "HEAD")  # type: ignore[attr-defined]
        made.write("mine", "1")
        made.commit()

    with scene(sealed / "s", cloned) as made:
        taken = made.take()
        assert taken is not None
        assert taken.parent == made.published  # type: ignore[attr-defined]


@pytest.mark.slow
def test_sweeping_and_settling_at_once_never_wait_for_each_other(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        made.take()
        done = threading.Event()

        def settle() -> None:
            while not done.is_set():
                made.shadow.settle()

        def sweep() -> None:
            for number in range(40):
                made.write("readme", f"{number}\n")
                made.take("readme")
                made.git("add", "readme")
                made.take()
            done.set()

        threads = [threading.Thread(target=work, daemon=True) for work in (settle, sweep)]
        for thread in threads:
            thread.start()
        assert done.wait(60)
        for thread in threads:
            thread.join(10)
        assert made.fsck() == ""


class Faults:
    """Makes the n-th of the calls by which `settle` writes fail, as a full or failing disk does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fatal: int) -> None:
        self.calls = 0
        self._fatal = fatal
        for module, name in ((io, "open"), (os, "open"), (os, "fsync"), (os, "replace"), (os, "fchmod")):
            monkeypatch.setattr(module, name, self._counted(getattr(module, name)))

    def _counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self._fatal:
                refusal = (errno.EIO, errno.ENOSPC, errno.EDQUOT)[self._fatal % 3]
                raise OSError(refusal, "the disk refuses")
            return real(*arguments, **options)

        return call


def test_a_disk_that_fails_anywhere_in_a_settle_costs_nothing(
    sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene(sealed / "s", plain) as made:
        made.take()
        made.shadow.settle()
        for fatal in range(1, 100):
            made.write("readme", f"{fatal}\n")
            taken = made.take("readme")
            with monkeypatch.context() as failing:
                faults = Faults(failing, fatal)
                if _settled(made):
                    break
            assert taken is not None
            assert made.shadow.tip() == Tip(taken.number, taken.commit, taken.tree)
        assert 10 < fatal < 99
        assert faults.calls == fatal - 1
        assert made.fsck() == ""
        assert not list(made.shadow.directory.rglob(f"{TEMPORARY_PREFIX}*"))
        made.close()
        made.open()
        assert made.content("readme") == f"{fatal}"


def _settled(made: Scene) -> bool:
    """Whether settling went through; a failure is told as what a person can mend."""
    try:
        made.shadow.settle()
    except SaveError as problem:
        assert "could not be written" in problem.what
        return False
    return True


def test_a_pack_that_outgrows_the_disk_leaves_every_snapshot(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        made.take()
        made.write("large", os.urandom(300_000))
        made.take("large")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            with pytest.raises(SaveError, match="could not be written"):
                made.shadow.settle()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert made.fsck() == ""
        assert made.tree == made.by_git()
