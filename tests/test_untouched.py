"""What is the user's is never touched: byte for byte while they are idle, and in effect while they work."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SHIMS = ("post-commit", "post-checkout", "post-merge", "post-rewrite")
FIXED = {
    "GIT_AUTHOR_DATE": "2024-03-05 12:00:00 +0000",
    "GIT_COMMITTER_DATE": "2024-03-05 12:00:00 +0000",
}
STEPS = """
git switch -q -c topic
echo one >> train.py && git add train.py && git commit -q -m 'One'
echo two >> train.py && git add train.py && echo three >> train.py
git stash push -q -m 'kept'
echo new > new.txt && git add new.txt && git commit -q -m 'New'
git stash pop -q
git commit -q -a -m 'Two and three'
git switch -q main
echo other > other.txt && git add other.txt && git commit -q -m 'Other'
git merge -q --no-edit topic
git switch -q topic
git rebase -q main
git switch -q --detach HEAD~1
git switch -q main
git branch -q -D topic
echo asis >> README.md && git update-index --assume-unchanged README.md
git tag v1
git config user.nickname countess
git reset -q --soft HEAD~1
git stash push -q -m 'last'
echo later > later.txt && git add -N later.txt
git gc -q --prune=now
"""
COMPARED = (
    ("for-each-ref",),
    ("reflog", "--all", "--format=%gD %H %gs"),
    ("config", "--local", "--list"),
    ("stash", "list"),
    ("ls-files", "--stage"),
    ("ls-files", "-v"),
    ("status", "--porcelain=v2"),
    ("fsck", "--strict", "--no-dangling"),
)


@pytest.fixture
def machine(runtime: Runtime, sample_repository: Path) -> Machine:
    return Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))


def digests(git_dir: Path) -> dict[str, str]:
    """Every file of a `.git` outside `objects/` but our shims, by the digest of its bytes."""
    found = {}
    for folder, folders, names in os.walk(git_dir):
        if Path(folder) == git_dir:
            folders.remove("objects")
        for path in (Path(folder) / name for name in names):
            if not (path.parent.name == "hooks" and path.name in SHIMS):
                found[str(path.relative_to(git_dir))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def objects(git_dir: Path) -> set[str]:
    return {str(path.relative_to(git_dir)) for path in (git_dir / "objects").rglob("*") if path.is_file()}


def test_a_hundred_snapshots_change_no_byte_of_an_idle_users_git(machine: Machine) -> None:
    machine.open()
    git_dir = machine.worktree / ".git"
    before, stored = digests(git_dir), objects(git_dir)
    for number in range(100):
        (machine.worktree / "train.py").write_text(f"print({number})\n")
        machine.gitsession("flush", "--timeout", "30", "--level", "local")
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    assert machine.json("status")["snapshot"]["number"] > 100
    assert digests(git_dir) == before
    assert objects(git_dir) == stored


def play(runtime: Runtime, worktree: Path, pause: float) -> None:
    """A scripted user: every step a command of git, with time for us to interfere."""
    for step in STEPS.strip().splitlines():
        runtime.run("sh", "-ec", step, cwd=worktree, env=FIXED)
        time.sleep(pause)


def seen(runtime: Runtime, worktree: Path) -> dict[str, str]:
    return {" ".join(words): runtime.run("git", *words, cwd=worktree).stdout for words in COMPARED}


def test_a_working_users_git_is_as_it_would_be_without_us(machine: Machine) -> None:
    runtime = machine.runtime
    twin = runtime.work / "twin"
    runtime.run("git", "clone", "--quiet", machine.repo, str(machine.worktree))
    runtime.run("git", "clone", "--quiet", machine.repo, str(twin))
    machine.gitsession("open", ".", "--editor", "none", *machine.options, cwd=machine.worktree)
    play(runtime, machine.worktree, 0.3)
    play(runtime, twin, 0.0)
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    ours, theirs = seen(runtime, machine.worktree), seen(runtime, twin)
    assert ours == theirs
