"""`status --short`, `status --watch` and `run`, on a session that runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.rig.patience import eventually
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
INTERRUPTED = 128 + signal.SIGINT
# whoever starts the tests in the background has them ignore Ctrl+C, and a child inherits that
HEEDING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("gitsession", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def machine(runtime: Runtime, sample_repository: Path) -> Machine:
    machine = Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))
    machine.open()
    return machine


@contextmanager
def going(machine: Machine, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path, Path]]:
    """A command that goes on, with what it writes to its output and its errors."""
    out, errors = machine.runtime.root / "watched", machine.runtime.root / "errors"
    argv = (machine.python, "-c", HEEDING, *arguments)
    with out.open("wb") as written, errors.open("wb") as said:
        process = machine.runtime.start(*argv, cwd=machine.worktree, stdout=written, stderr=said)
    try:
        yield process, out, errors
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_line_for_a_status_bar(machine: Machine) -> None:
    machine.gitsession("flush", "--timeout", "60")
    line = machine.gitsession("status", "--short").stdout
    assert line.count("\n") == 1 and "\x1b" not in line
    assert line.startswith(f"{machine.json('status')['session']}: all safe")


def test_watching_goes_on_until_ctrl_c(machine: Machine) -> None:
    with going(machine, "status", "--watch", "--short") as (process, out, errors):
        assert eventually(lambda: len(out.read_text().splitlines()) >= 2)
        (machine.worktree / "new.txt").write_text("new\n")
        shown = len(out.read_text().splitlines())
        assert eventually(lambda: len(out.read_text().splitlines()) >= shown + 2)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert errors.read_text() == ""
    assert machine.json("status")["session"]


def test_watching_ends_with_the_session(machine: Machine) -> None:
    with going(machine, "status", "--watch", "--short") as (process, out, errors):
        assert eventually(lambda: bool(out.read_text()))
        machine.gitsession("close")
        assert process.wait(60) == 0
        assert out.read_text().endswith("The session was closed.\n")
        assert errors.read_text() == ""


def test_who_watches_as_a_program_hears_documents_only(machine: Machine) -> None:
    with going(machine, "status", "--watch", "--json") as (process, out, errors):
        assert eventually(lambda: bool(out.read_text()))
        first = machine.json("status")["agent"]["pid"]
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: f'"pid": {first},' not in out.read_text().splitlines()[-1])
        machine.gitsession("close")
        assert process.wait(60) == 0
        told = [json.loads(line)["agent"]["pid"] for line in out.read_text().splitlines()]
        assert {first} < set(told)
        assert errors.read_text().endswith("The session was closed.\n")


def ran(machine: Machine) -> list[dict[str, object]]:
    """What the snapshots tell of commands, the newest first."""
    return [entry["ran"] for entry in machine.json("log") if entry.get("ran")]


def test_a_command_is_recorded_with_its_end(machine: Machine) -> None:
    code = "import sys; open('made.txt', 'w').write('1'); sys.exit(7)"
    done = machine.gitsession("run", "--", sys.executable, "-c", code, check=False, cwd=machine.worktree)
    assert (done.code, done.stderr) == (7, "")
    machine.gitsession("flush", "--timeout", "60")
    (told,) = ran(machine)
    assert told["exit"] == 7 and "made.txt" in str(told["command"])
    assert isinstance(told["seconds"], float) and told["gpu"] == ""
    assert "exit 7" in machine.gitsession("log").stdout


def test_ctrl_c_ends_the_command_and_is_recorded(machine: Machine) -> None:
    code = "import time; open('begun.txt', 'w').write('1'); time.sleep(600)"
    with going(machine, "run", "--", sys.executable, "-c", code) as (process, _, errors):
        assert eventually((machine.worktree / "begun.txt").exists)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the command too
        assert process.wait(60) in (INTERRUPTED, -signal.SIGINT)
        assert "gitsession" not in errors.read_text()
    machine.gitsession("flush", "--timeout", "60")
    (machine.worktree / "after.txt").write_text("1")
    machine.gitsession("flush", "--timeout", "60")
    (told,) = ran(machine)
    assert told["exit"] in (INTERRUPTED, -signal.SIGINT)
