"""`restore` as a person types it: by a time, the changes first, and only after a yes."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from tests.commands.test_running import machine
from tests.rig.patience import eventually
from tests.rig.terminal import shown
from tests.spine import Machine

__all__ = ["machine"]  # pytest finds it here

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
RED, GREEN = "\x1b[31m", "\x1b[32m"


@pytest.fixture
def before(machine: Machine) -> str:
    """When `notes.txt` was "first", for `--at`; it is "second" now, in a snapshot of a later second."""
    notes = machine.worktree / "notes.txt"
    notes.write_text("first\n")
    machine.gitsession("flush", "--level", "local", "--timeout", "60")
    at = machine.json("log")[0]["at"]
    assert eventually(lambda: datetime.now(timezone.utc).timestamp() > at + 1.1)
    notes.write_text("second\n")
    machine.gitsession("flush", "--level", "local", "--timeout", "60")
    return datetime.fromtimestamp(at, timezone.utc).isoformat()


@pytest.mark.parametrize(("answer", "left"), [("n", "second\n"), ("y", "first\n")])
def test_a_terminal_shows_the_changes_and_asks(machine: Machine, before: str, answer: str, left: str) -> None:
    words = ("restore", "notes.txt", "--at", before)
    with shown(machine.runtime, words, cwd=machine.worktree) as (terminal, process):
        assert eventually(lambda: "Restore this?" in terminal.text)
        assert f"{RED}-second" in terminal.raw and f"{GREEN}+first" in terminal.raw
        assert (machine.worktree / "notes.txt").read_text() == "second\n"
        terminal.type(f"{answer}\n")
        assert process.wait(60) == 0
    assert ("1 restored" in terminal.text) is (answer == "y")
    assert (machine.worktree / "notes.txt").read_text() == left


def test_a_program_is_not_asked_and_a_restore_is_undone_by_another(machine: Machine, before: str) -> None:
    done = machine.gitsession("restore", "notes.txt", "--at", before)
    assert done.stdout == "notes.txt\n1 restored\n"
    undone = machine.json("restore", "notes.txt")
    assert undone == {"changed": ["notes.txt"]}
    assert (machine.worktree / "notes.txt").read_text() == "second\n"


def test_a_time_before_the_session_is_said(machine: Machine, before: str) -> None:
    done = machine.gitsession("restore", "notes.txt", "--at", "10 minutes ago", check=False)
    assert (done.code, done.stderr.splitlines()[0]) == (
        1,
        "gitsession: There is no snapshot 10 minutes ago.",
    )
