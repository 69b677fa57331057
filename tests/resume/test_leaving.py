"""A copy that the vault has whole and the remote gets beside the session: nothing goes along unseen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rig.repositories import git
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
KEY = "AKIA" + "QWERTYUIOPASDFGH"
IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def private_work(machine: Machine) -> None:
    """A key in a commit's message, in a stash, in what is staged and on another branch; plain work too."""
    secret, clean = (machine.worktree / name for name in ("secret.py", "clean.py"))
    tracked = machine.worktree / "train.py"
    before = tracked.read_bytes()
    for content in (f'key = "{KEY}"\n', "print('in the stash')\n"):
        tracked.write_text(content)
        stashed = machine.git(*IDENTITY, "stash", "create").strip()
        machine.git("stash", "store", "--message", "put aside", stashed)
    tracked.write_bytes(before)
    machine.git(*IDENTITY, "commit", "--quiet", "--allow-empty", "--message", f"Call it with {KEY}")
    secret.write_text(f"# of another branch\nkey = '{KEY}'\n")
    blob = machine.git("hash-object", "-w", "secret.py").strip()
    secret.unlink()
    machine.git("update-index", "--add", "--cacheinfo", f"100644,{blob},staged.py")
    tree = machine.git("write-tree").strip()
    own = machine.git(*IDENTITY, "commit-tree", tree, "-p", "HEAD", "-m", "Mine alone").strip()
    machine.git("branch", "private", own)
    clean.write_text("print('on the train')\n")


def test_a_copy_kept_beside_reaches_the_remote_without_what_the_guard_holds(
    runtime: Runtime, sample_repository: Path
) -> None:
    machine = Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))
    login = machine.open("--session", "lesson")["branch"].split("/")[1]
    machine.gitsession("flush", "--timeout", "30")
    away = sample_repository.rename(sample_repository.with_name("away.git"))
    private_work(machine)
    machine.gitsession("flush", "--timeout", "30", "--level", "stored")
    machine.lose()
    away.rename(sample_repository)
    other = Machine(runtime, machine.repo, ("--storage", "none"))
    other.open("--session", "lesson")
    for number in range(5):
        (other.worktree / "other.py").write_text(f"print({number})\n")
        other.gitsession("flush", "--timeout", "30")
    other.gitsession("close")
    other.lose()

    machine.open("--session", "lesson")
    fork = f"session/{login}/lesson-fork-1"
    assert git(sample_repository, "show", f"{fork}:clean.py") == "print('on the train')"
    everything = git(sample_repository, "cat-file", "--batch-all-objects", "--batch", "--buffer")
    assert KEY not in everything and "Mine alone" not in everything
    assert "in the stash" in everything
    told = json.loads(git(sample_repository, "show", f"refs/gitsession/{login}/lesson-fork-1:refs.json"))
    assert {"refs/heads/main", "staged.py", "stash@{1}"} <= {*told["left_out"]}
    assert "refs/heads/private" not in told["refs"]

    machine.lose()
    machine.open("--session", "lesson-fork-1")
    assert KEY in machine.git("show", "private:staged.py")
    assert KEY in machine.git("log", "-1", "--format=%B", "main")
