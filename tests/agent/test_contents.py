"""Held and kept files: hashed once, stored once, and never called safe before they are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsession.snapshot import lfs
from tests.agent.conftest import Running, wait_for
from tests.rig.repositories import git

KEY = "AKIA" + "QWERTYUIOPASDFGH"


def stored(running: Running) -> dict[str, Path]:
    """The contents in the vault, by their names."""
    found = Path(str(running.configuration.storage)).glob("gitsession-v1/**/held/*")
    return {path.name: path for path in found}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def keeping(prepared: Running) -> Iterator[Running]:
    """A session that keeps `*.log`, which git ignores, and holds what is larger than 2 kB."""
    prepared.relaunched(keep=("*.log",), max_file_size=2000)
    yield prepared


@pytest.mark.slow
def test_kept_and_held_contents_reach_the_vault_and_the_state_names_them(keeping: Running) -> None:
    keeping.write("deep/train.log", "epoch 1\n")
    keeping.write("large.bin", "x" * 5000)
    assert keeping.flush() == []
    assert {sha256(b"epoch 1\n"), sha256(b"x" * 5000)} <= set(stored(keeping))
    told = git(keeping.remote, "show", "refs/gitsession/ada/lesson:kept.json")
    assert sha256(b"epoch 1\n") in told and sha256(b"x" * 5000) in told
    status = keeping.status()
    assert status["at_risk"] == []
    assert [(held["path"], held["level"]) for held in status["held"]] == [("large.bin", "stored")]
    assert (status["kept"]["files"], status["kept"]["waiting"]) == (1, 0)
    assert "large.bin" not in git(keeping.remote, "ls-tree", "-r", "--name-only", "session/ada/lesson")
    missing = keeping.flush("safe")
    assert any("large.bin" in line for line in missing) and any("train.log" in line for line in missing)


@pytest.mark.slow
def test_renames_and_twins_cost_nothing(keeping: Running) -> None:
    keeping.write("a.log", "the same\n")
    assert keeping.flush() == []
    (only,) = stored(keeping).values()
    before = only.stat()
    (keeping.tree / "a.log").rename(keeping.tree / "b.log")
    keeping.write("c.log", "the same\n")
    assert keeping.flush() == []
    (after,) = stored(keeping).values()
    assert (after.stat().st_ino, after.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    told = git(keeping.remote, "show", "refs/gitsession/ada/lesson:kept.json")
    assert "a.log" not in told and "b.log" in told and "c.log" in told


@pytest.mark.slow
def test_a_kept_file_is_found_without_a_flush(keeping: Running) -> None:
    keeping.write("found.log", "by itself\n")
    wait_for(lambda: sha256(b"by itself\n") in stored(keeping), "the periodic look")


@pytest.mark.slow
def test_without_a_vault_nothing_is_called_safe(prepared: Running) -> None:
    prepared.relaunched(storage=None, keep=("*.log",), max_file_size=2000)
    prepared.write("a.log", "only here\n")
    prepared.write("large.bin", "x" * 5000)
    missing = prepared.flush("safe")
    assert any("a.log" in line for line in missing) and any("large.bin" in line for line in missing)
    assert {"a.log", "large.bin"} <= set(prepared.status()["at_risk"])
    assert prepared.status()["state"] != "safe"


@pytest.mark.slow
def test_a_vault_that_fails_is_said_and_then_goes_on(keeping: Running, sealed: Path) -> None:
    assert keeping.flush() == []
    vault = sealed / "vault"
    held = next(vault.glob("gitsession-v1/**/sessions")).parent / "held"
    if held.exists():
        held.rmdir()
    held.write_text("in the way")
    keeping.write("a.log", "patient\n")
    assert any("a.log" in line for line in keeping.flush())
    assert any("Held and kept files wait" in note for note in keeping.status()["notes"])
    held.unlink()
    assert keeping.flush() == []
    assert sha256(b"patient\n") in stored(keeping)


@pytest.mark.slow
def test_the_hash_of_a_secret_is_not_published(keeping: Running) -> None:
    keeping.write("keys.py", f'key = "{KEY}"\n')
    keeping.until(lambda status: any(held["path"] == "keys.py" for held in status["held"]))
    assert keeping.flush() == []
    name = sha256((keeping.tree / "keys.py").read_bytes())
    assert name in stored(keeping)
    for file in ("kept.json", "held.json"):
        done = git(keeping.remote, "ls-tree", "--name-only", "refs/gitsession/ada/lesson")
        if file in done.splitlines():
            assert name not in git(keeping.remote, "show", f"refs/gitsession/ada/lesson:{file}")


@pytest.mark.slow
def test_a_file_that_only_grows_is_stored_as_it_was(keeping: Running) -> None:
    grown = keeping.tree / "grows.log"
    descriptor = os.open(grown, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in range(50):
        os.write(descriptor, b"line\n" * 1000)
        keeping.ask("flush", seconds=0.2, level=None)
        if stored(keeping):
            break
    os.close(descriptor)
    assert keeping.flush() == []
    assert sha256(grown.read_bytes()) in stored(keeping)


@pytest.mark.slow
def test_what_is_allowed_leaves_and_stays_allowed(keeping: Running) -> None:
    keeping.write("keys.py", f'key = "{KEY}"\n')
    keeping.write("large.bin", "x" * 5000)
    keeping.write("other.bin", "y" * 5000)
    status = keeping.until(lambda status: len(status["held"]) == 3)
    (finding,) = (held["finding"] for held in status["held"] if held["path"] == "keys.py")
    assert keeping.ask("allow", what=finding)["released"] == ["keys.py"]
    assert keeping.ask("allow", what="large.bin", once=True)["released"] == ["large.bin"]
    assert keeping.flush() == []
    assert KEY in keeping.at_remote("keys.py")
    assert keeping.at_remote("large.bin") == "x" * 5000
    keeping.write("keys.py", f'# moved\nkey = "{KEY}"\n')
    keeping.write("large.bin", "z" * 5000)
    assert keeping.flush() == []
    assert "moved" in keeping.at_remote("keys.py")
    assert keeping.at_remote("large.bin") == "x" * 5000
    assert {held["path"] for held in keeping.status()["held"]} == {"large.bin", "other.bin"}
    assert finding in git(keeping.remote, "show", "refs/gitsession/ada/lesson:kept.json")


@pytest.mark.slow
def test_a_secret_that_was_taken_out_before_it_left_holds_nothing(keeping: Running) -> None:
    assert keeping.flush() == []
    keeping.remote.rename(keeping.folder / "away.git")
    keeping.write("one.txt", f'key = "{KEY}"\n')
    assert keeping.flush("stored") == []
    keeping.write("one.txt", "clean\n")
    assert keeping.flush("stored") == []
    (keeping.folder / "away.git").rename(keeping.remote)
    assert keeping.flush("safe") == []
    assert keeping.at_remote("one.txt") == "clean"
    assert KEY not in git(keeping.remote, "log", "--all", "--patch", "--format=%B")


@pytest.mark.slow
def test_work_in_progress_of_git_lfs_goes_to_the_vault_alone(running: Running) -> None:
    pushed = b"pushed before\n"
    running.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    running.write("pointer.bin", lfs.pointer(sha256(pushed), len(pushed)).decode())
    assert running.flush() == []
    assert running.at_remote("pointer.bin").startswith("version https://git-lfs")
    (running.tree / "pointer.bin").write_bytes(pushed)
    running.write("model.bin", "weights")
    assert running.flush() == []
    assert [held["path"] for held in running.status()["held"]] == ["model.bin"]
    assert "Git LFS" in running.status()["held"][0]["reason"]
    assert sha256(b"weights") in stored(running)
    assert "model.bin" not in git(running.remote, "ls-tree", "-r", "--name-only", "session/ada/lesson")
    (running.tree / "pointer.bin").write_bytes(b"work in progress")
    assert running.flush() == []
    assert {held["path"] for held in running.status()["held"]} == {"model.bin", "pointer.bin"}
    assert sha256(pushed) in running.at_remote("pointer.bin")
