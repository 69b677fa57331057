"""Opened from the vault while the remote is away: what it has of the session is found out once it is back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rig.repositories import git
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def nothing(_remote: Path, _runtime: Runtime) -> None:
    """Only the way to it was cut."""


def deleted(remote: Path, _runtime: Runtime) -> None:
    """A person deleted the session there."""
    for ref in refs(remote):
        git(remote, "update-ref", "-d", ref)


def led_by_another(remote: Path, runtime: Runtime) -> None:
    """Another runtime took the session over there, and went on."""
    other = Machine(Runtime(runtime.root.parent / "o"), str(remote), ("--storage", "none"))
    try:
        other.open("--session", "lesson")
        (other.worktree / "theirs.txt").write_text("theirs\n")
        other.gitsession("flush", "--timeout", "60", "--level", "safe")
    finally:
        other.runtime.kill()


def refs(remote: Path) -> dict[str, str]:
    listed = git(remote, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    named = dict(line.split(" ") for line in listed)
    return {ref: oid for ref, oid in named.items() if "/session/" in ref or "/gitsession/" in ref}


@pytest.mark.parametrize(
    ("happened", "goes_on_as"),
    [
        pytest.param(nothing, "lesson", id="nothing", marks=pytest.mark.long),
        pytest.param(deleted, "lesson-fork-1", id="deleted"),
        pytest.param(led_by_another, "lesson-fork-1", id="led by another", marks=pytest.mark.long),
    ],
)
def test_what_happened_there_meanwhile_is_neither_overwritten_nor_brought_back(
    runtime: Runtime,
    sample_repository: Path,
    happened: Callable[[Path, Runtime], None],
    goes_on_as: str,
) -> None:
    machine = Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))
    before = machine.open("--session", "lesson")["branch"]
    (machine.worktree / "first.txt").write_text("before\n")
    machine.gitsession("flush", "--timeout", "60")
    machine.lose()
    happened(sample_repository, runtime)
    left = refs(sample_repository)

    away = sample_repository.with_name("away.git")
    sample_repository.rename(away)
    opened = machine.open()
    assert (opened["session"], opened["resumed"]) == ("lesson", True)
    assert (machine.worktree / "first.txt").read_text() == "before\n"
    (machine.worktree / "second.txt").write_text("without the remote\n")
    assert machine.gitsession("flush", "--timeout", "20", "--level", "safe", check=False).code == 3
    away.rename(sample_repository)

    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    assert machine.json("status")["session"] == goes_on_as
    branch = f"refs/heads/{before.replace('lesson', goes_on_as)}"
    assert git(sample_repository, "show", f"{branch}:second.txt") == "without the remote"
    if goes_on_as == "lesson":
        assert git(sample_repository, "merge-base", "--is-ancestor", left[branch], branch) == ""
    else:
        assert {ref: oid for ref, oid in refs(sample_repository).items() if ref.endswith("/lesson")} == left
