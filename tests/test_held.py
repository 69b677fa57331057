"""Held and kept files from one machine to the next: put back, left in the vault, or named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.rig import repositories
from tests.rig.runtime import Runtime
from tests.spine import Machine, tree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
KEY = "AKIA" + "QWERTYUIOPASDFGH"


@pytest.fixture
def machine(runtime: Runtime, sample_repository: Path) -> Machine:
    return Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))


def ignored(machine: Machine) -> None:
    """A folder of checkpoints that git ignores, with what such folders hold."""
    folder = machine.worktree / "checkpoints"
    (folder / "deep").mkdir(parents=True)
    (machine.worktree / ".gitignore").write_text("checkpoints/\n")
    (folder / "last.pt").write_bytes(os.urandom(3_000_000))
    (folder / "deep" / "first.pt").write_bytes(b"first")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "latest").symlink_to("last.pt")


def test_everything_held_and_kept_comes_back_from_the_vault(machine: Machine) -> None:
    machine.open("--keep", "checkpoints/**", "--max-file-size", "1MB")
    ignored(machine)
    (machine.worktree / "large.bin").write_bytes(os.urandom(2_000_000))
    (machine.worktree / "train.py").write_text(f'key = "{KEY}"\n')
    machine.gitsession("flush", "--timeout", "60", "--level", "stored")
    files = tree(machine.worktree)
    times = {path: (machine.worktree / path).lstat().st_mtime_ns for path in files if "last" in path}
    machine.lose()
    assert machine.open("--max-file-size", "1MB")["resumed"] is True
    assert tree(machine.worktree) == files
    assert (machine.worktree / "checkpoints/last.pt").stat().st_mtime_ns == times["checkpoints/last.pt"]
    machine.gitsession("flush", "--timeout", "60", "--level", "stored")
    (machine.worktree / "checkpoints/next.pt").write_bytes(b"next")
    (machine.worktree / "checkpoints/deep/first.pt").unlink()
    machine.gitsession("flush", "--timeout", "60", "--level", "stored")
    files = tree(machine.worktree)
    machine.lose()
    machine.open("--max-file-size", "1MB")
    assert tree(machine.worktree) == files


def test_lazy_files_wait_in_the_vault_and_a_new_file_never_replaces_them(machine: Machine) -> None:
    machine.open("--keep", "checkpoints/**")
    ignored(machine)
    machine.gitsession("flush", "--timeout", "60", "--level", "stored")
    files = tree(machine.worktree)
    machine.lose()
    machine.open("--lazy", "*.pt")
    first = machine.worktree / "checkpoints/deep/first.pt"
    assert not first.exists() and (machine.worktree / "checkpoints/run.sh").exists()
    awaited = machine.json("status")["kept"]["awaited"]
    assert {entry["path"] for entry in awaited} == {"checkpoints/last.pt", "checkpoints/deep/first.pt"}
    assert "awaited" in machine.gitsession("status").stdout
    first.parent.mkdir(parents=True, exist_ok=True)
    first.write_bytes(b"another")
    machine.gitsession("flush", "--timeout", "60", "--level", "stored")
    machine.lose()
    machine.open()
    assert {entry["path"] for entry in machine.json("status")["kept"]["awaited"]} == {
        "checkpoints/last.pt",
        "checkpoints/deep/first.pt",
    }
    back = machine.json("fetch", "*.pt")["paths"]
    assert first.read_bytes() == b"another"
    (beside,) = (path for path in back if ".kept-" in path)
    assert (machine.worktree / beside).read_bytes() == b"first"
    assert tree(machine.worktree)["checkpoints/last.pt"] == files["checkpoints/last.pt"]
    assert machine.json("status")["kept"]["awaited"] == []
    assert machine.gitsession("fetch", "*.pt", check=False).code == 1


def test_with_the_remote_alone_what_is_missing_is_named_and_waits(machine: Machine) -> None:
    machine.open("--keep", "checkpoints/**", "--max-file-size", "1MB")
    ignored(machine)
    (machine.worktree / "large.bin").write_bytes(os.urandom(2_000_000))
    machine.gitsession("flush", "--timeout", "60")
    content = (machine.worktree / "large.bin").read_bytes()
    machine.lose()
    alone = Machine(machine.runtime, machine.repo, ("--storage", "none"))
    done = alone.gitsession(
        *("open", alone.repo, "--workdir", str(alone.worktree), "--editor", "none", "--storage", "none")
    )
    assert "large.bin" in done.stdout + done.stderr and "vault" in done.stdout + done.stderr
    assert not (alone.worktree / "large.bin").exists()
    assert "large.bin" in {entry["path"] for entry in alone.json("status")["kept"]["awaited"]}
    alone.gitsession("flush", "--timeout", "60")
    alone.lose()
    machine.open("--max-file-size", "1MB")
    machine.gitsession("fetch", "large.bin")
    assert (machine.worktree / "large.bin").read_bytes() == content


def test_what_is_allowed_is_allowed_on_the_next_machine_too(machine: Machine) -> None:
    machine.open()
    (machine.worktree / "train.py").write_text(f'key = "{KEY}"\n')
    done = machine.gitsession("flush", "--timeout", "60", "--level", "safe", check=False)
    assert done.code == 3 and "train.py" in done.stderr
    assert machine.json("allow", "train.py")["released"] == ["train.py"]
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    machine.lose()
    machine.open()
    (machine.worktree / "train.py").write_text(f'# still\nkey = "{KEY}"\n')
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    assert machine.json("status")["held"] == []


def test_what_only_another_remote_has_is_looked_at_before_it_leaves(
    machine: Machine, sample_repository: Path, tmp_path: Path
) -> None:
    """A key that was pushed to a private remote is known there, not where the session goes."""
    private = str(tmp_path / "private.git")
    repositories.git(tmp_path, "init", "--quiet", "--bare", private)
    machine.worktree.parent.mkdir(parents=True, exist_ok=True)
    repositories.git(
        machine.worktree.parent, "clone", "--quiet", str(sample_repository), str(machine.worktree)
    )
    (machine.worktree / "keys.py").write_text(f'key = "{KEY}"\n')
    machine.git("add", "keys.py")
    machine.git("commit", "--quiet", "--message", "For us alone")
    machine.git("push", "--quiet", private, "main:main")
    machine.git("remote", "add", "private", private)
    machine.git("fetch", "--quiet", "private")
    machine.gitsession("open", ".", "--editor", "none", *machine.options, cwd=machine.worktree)
    (machine.worktree / "train.py").write_text("print('work')\n")
    machine.gitsession("flush", "--timeout", "60", "--level", "safe", cwd=machine.worktree, check=False)
    everything = repositories.git(sample_repository, "cat-file", "--batch-all-objects", "--batch", "--buffer")
    assert "print('work')" in everything
    assert KEY not in everything
    assert [held["path"] for held in machine.json("status")["held"]] == ["keys.py"]
