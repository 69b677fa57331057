"""`status --watch` as people have it open all day: on a terminal, and whole into a pipe."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.commands.test_running import going, machine
from tests.rig.patience import eventually
from tests.rig.terminal import CTRL_C, ESCAPE, Terminal, shown
from tests.spine import Machine

__all__ = ["machine"]  # pytest finds it here

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
CLEARED = "\x1b[2J"
WATCH = ("status", "--watch")


def pictures(terminal: Terminal) -> list[str]:
    """What the terminal showed, each time that it was drawn anew."""
    return [ESCAPE.sub("", drawn) for drawn in terminal.raw.split(CLEARED)[1:]]


def drawn_again(terminal: Terminal, *words: str) -> bool:
    """Whether it comes to be drawn twice more, at last with these words."""
    before = len(pictures(terminal))
    return eventually(lambda: len(pictures(terminal)) >= before + 3) and eventually(
        lambda: all(word in pictures(terminal)[-2] for word in words)
    )


@pytest.mark.long
def test_a_terminal_is_drawn_anew_through_a_crash_until_ctrl_c(machine: Machine) -> None:
    with shown(machine.runtime, WATCH, cwd=machine.worktree) as (terminal, process):
        assert drawn_again(terminal, "all safe", "work tree", "remote", "vault")
        assert max(picture.count("work tree") for picture in pictures(terminal)) == 1
        newest = machine.json("status")["snapshot"]["number"]
        (machine.worktree / "new.txt").write_text("new\n")
        assert drawn_again(terminal, f"snapshot {newest + 1}")
        killed = machine.json("status")["agent"]["pid"]
        os.kill(killed, signal.SIGKILL)
        (machine.worktree / "after.txt").write_text("new\n")
        assert drawn_again(terminal, "all safe", f"snapshot {newest + 2}")
        assert process.poll() is None
        assert machine.json("status")["agent"]["pid"] != killed
        terminal.type(CTRL_C)
        assert process.wait(60) == 0
    assert "Traceback" not in terminal.text
    assert machine.json("status")["session"]


def test_a_terminal_is_told_of_the_session_s_end(machine: Machine) -> None:
    with shown(machine.runtime, WATCH, cwd=machine.worktree) as (terminal, process):
        assert eventually(lambda: "work tree" in terminal.text)
        machine.gitsession("close")
        assert process.wait(60) == 0
    assert terminal.text.endswith("The session was closed.\n")


def test_a_pipe_gets_whole_statuses_without_escapes(machine: Machine) -> None:
    with going(machine, *WATCH) as (process, out, errors):
        assert eventually(lambda: out.read_text().count("work tree") >= 2)
        agent, (keeper,) = machine.json("status")["agent"]["pid"], keepers(machine)
        os.kill(keeper, signal.SIGSTOP)  # so that the agent is away for longer than a look takes
        os.kill(agent, signal.SIGKILL)
        assert eventually(lambda: "It is asked again." in out.read_text())
        os.kill(keeper, signal.SIGCONT)
        told = out.read_text().count("work tree")
        assert eventually(lambda: out.read_text().count("work tree") >= told + 2)
        machine.gitsession("close")
        assert process.wait(60) == 0
    assert_plain(out, errors)


def keepers(machine: Machine) -> list[int]:
    return [seen.pid for seen in machine.runtime.processes() if "agent.keeper" in seen.arguments]


def assert_plain(out: Path, errors: Path) -> None:
    assert "\x1b" not in out.read_text() and "\r" not in out.read_text()
    assert out.read_text().endswith("The session was closed.\n")
    assert errors.read_text() == ""
