"""Cells that run: when a machine looks idle, and what the timeline says of a cell that never ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from gitsession.agent.cells import Cell, Cells
from gitsession.agent.timeline import chosen
from tests.agent.conftest import Running
from tests.agent.test_timeline import NOW, entry
from tests.rig.patience import eventually


@pytest.fixture
def kernel() -> Iterator[int]:
    with subprocess.Popen(("sleep", "60")) as process:
        yield process.pid
        process.kill()


def test_a_machine_looks_idle_while_no_cell_runs_in_any_kernel(kernel: int) -> None:
    cells = Cells()
    assert cells.idle_since is not None
    cells.begin(os.getpid(), Cell(4, "a", 7))
    cells.begin(kernel, Cell(1, "b", 8))
    cells.end(kernel)
    assert cells.idle_since is None
    cells.end(os.getpid())
    assert cells.idle_since is not None


def test_a_cell_whose_kernel_is_gone_is_told_once(kernel: int) -> None:
    cells = Cells()
    cells.begin(kernel, Cell(4, "a", 7))
    assert cells.lost() == ()
    os.kill(kernel, signal.SIGKILL)
    os.waitpid(kernel, 0)
    cells.begin(os.getpid(), Cell(1, "b", 8))
    assert cells.lost() == (Cell(4, "a", 7),)
    assert cells.lost() == ()
    assert json.loads(cells.record() or "")["cell"] == 1


@pytest.mark.parametrize("ran", ["no JSON", "[1]", '{"command": "make"}', '{"cell": 9}'])
def test_what_is_no_record_of_the_cell_that_runs_is_left_as_it_is(ran: str) -> None:
    cells = Cells()
    cells.begin(1, Cell(4, "a", 7))
    assert cells.placed(ran, 1) == ran
    assert json.loads(cells.placed('{"cell": 4, "ok": true}', 1)) == {"cell": 4, "ok": True, "after": 7}
    assert cells.placed('{"cell": 4}', 2) == '{"cell": 4}'


def test_before_a_cell_is_before_what_it_wrote_while_it_ran() -> None:
    during = {"cell": 5, "after": 2, "running": True}
    chain = [
        entry(5, {"cell": 6, "after": 4}),
        entry(4, during),
        entry(3, {"cell": 4}),  # was still to be told of when cell 5 had begun
        entry(2),
        entry(1),
    ]
    assert chosen(chain, None, 5, NOW) == "commit2"
    assert chosen(chain, None, 6, NOW) == "commit4"
    assert chosen([entry(4, {"cell": 5, "after": 1}), entry(3), entry(2)], None, 5, NOW) == "commit3"


def test_a_kernel_that_is_killed_in_a_cell_is_in_the_timeline(running: Running, kernel: int) -> None:
    assert running.flush("local") == []
    running.ask("activity", running=True, kernel=kernel, cell=12, hash="abc")
    running.write("checkpoint.txt", "half")
    assert running.flush("local") == []
    newest, before, *_ = running.ask("log")["snapshots"]
    assert newest["ran"] == {"cell": 12, "hash": "abc", "after": before["number"], "running": True}
    os.kill(kernel, signal.SIGKILL)
    os.waitpid(kernel, 0)
    running.ask("activity", running=True, kernel=os.getpid(), cell=1, hash="def")
    assert eventually(lambda: "ended" in running.ask("log")["snapshots"][0]["subject"])
    told = running.ask("log")["snapshots"][0]
    assert told["subject"] == "The kernel ended in the middle of cell 12"
    assert told["ran"]["error"] == "kernel ended" and told["ran"]["after"] == before["number"]
    assert running.ask("restore", path="checkpoint.txt", before_cell=12)["changed"] == ["checkpoint.txt"]
    assert not (running.tree / "checkpoint.txt").exists()
