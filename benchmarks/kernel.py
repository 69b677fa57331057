"""What a session costs a busy notebook kernel: its thread's work, and what waiting for it costs the cell.

A real ipykernel runs pure Python, which holds the interpreter's lock all the time, while a file in the work
tree changes again and again. First the thread behind the card: its processor time against the cell's wall
clock. Then the same fixed work with the session open and after it was closed, in turns in one kernel, each
pair's order turned round. Linux's /proc/self/task/*/schedstat splits each cell's wall clock into running,
waiting for a processor, which other load on the machine causes, and the rest: the cell stood still although
nobody else had its processor, as it does while another thread holds the lock. A thread that works 2 % of the
time shows what that comes to. Contender: the same kernel without a session.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from benchmarks.report import Report, arguments
from benchmarks.startup import PROJECT, sample

ANSWER = 120.0
BUSY = """
import threading, time
def busy(seconds, tree):
    began, count, written = time.monotonic(), 0, 0.0
    before = cards()
    while (now := time.monotonic()) < began + seconds:
        for _ in range(20_000):
            count += 1
        if now - written > 0.5:
            (tree / "busy.txt").write_text(str(now))
            written = now
    print(100 * (cards() - before) / (time.monotonic() - began))
def cards():
    named = [thread for thread in threading.enumerate() if thread.name == "gitsession-card"]
    clocks = [time.pthread_getcpuclockid(thread.ident) for thread in named]
    return sum(time.clock_gettime(clock) for clock in clocks)
"""
WORK = """
import threading
def spent():
    path = f"/proc/self/task/{threading.get_native_id()}/schedstat"
    ran, waited = (int(word) / 1e9 for word in open(path).read().split()[:2])
    return time.monotonic(), ran, waited
def work(rounds, tree):
    began = spent()
    for number in range(rounds):
        for _ in range(200_000):
            pass
        if number % 50 == 0:
            (tree / "busy.txt").write_text(str(number))
    wall, ran, waited = (now - then for now, then in zip(spent(), began))
    print(wall, ran, wall - ran - waited)
"""
CONTROL = """
over = threading.Event()
def disturb():
    while not over.wait(0.5):
        until = time.thread_time() + 0.01
        while time.thread_time() < until:
            pass
disturbing = threading.Thread(target=disturb)
disturbing.start()
work({rounds}, tree)
over.set()
disturbing.join()
"""
ONCE = "time.sleep(3); print(1000 * cards())"  # the first look of all


class Cell(NamedTuple):
    """Seconds of one run of the work: by the clock, on a processor, and standing still."""

    wall: float
    ran: float
    stood: float


Pair = tuple[Cell, Cell]  # with the session, and without


def run(client: BlockingKernelClient, code: str) -> str:
    """Run a cell; answers with what it printed."""
    printed: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    reply = client.execute_interactive(code, timeout=ANSWER, output_hook=hear)
    if reply["content"]["status"] != "ok":
        raise RuntimeError("\n".join(reply["content"]["traceback"]))
    return "".join(printed)


def measure(client: BlockingKernelClient, call: str, runs: int) -> list[float]:
    """A cell, several times: the thread's share in percent."""
    return [float(run(client, call).splitlines()[-1]) for _ in range(runs)]


def in_turns(client: BlockingKernelClient, opening: str, rounds: int, pairs: int) -> list[Pair]:
    """The same work with the session and without it, pair after pair; ends with the session open."""
    found: list[Pair] = []
    for number in range(pairs):
        cells: dict[bool, Cell] = {}
        for with_session in (True, False) if number % 2 else (False, True):
            run(client, opening if with_session else "session.close()")
            run(client, "time.sleep(3)")  # the first look of all, and what is saved of the cell before
            wall, ran, stood = map(float, run(client, f"work({rounds}, tree)").split())
            cells[with_session] = Cell(wall, ran, stood)
        found.append((cells[True], cells[False]))
        run(client, opening)
    return found


def calibrated(client: BlockingKernelClient, seconds: float) -> int:
    """How many rounds take about so long on this machine as it is now."""
    wall = float(run(client, "work(100, tree)").split()[0])
    return max(100, int(100 * seconds / wall))


def measured(client: BlockingKernelClient, opening: str, report: Report, *, quick: bool) -> None:
    """Everything that is asked of one kernel."""
    seconds, runs, pairs = (5, 2, 2) if quick else (30, 5, 12)
    run(client, BUSY + WORK)
    run(client, opening)
    run(client, "tree = session.worktree")
    report.add(
        "once after open: the thread lists the packages", "ms", [float(run(client, ONCE).splitlines()[-1])]
    )
    report.add("share of the card's thread", "%", measure(client, f"busy({seconds}, tree)", runs), target=1.0)
    rounds = calibrated(client, 5.0)
    found = in_turns(client, opening, rounds, pairs)
    stood = [100 * (one.stood / one.wall - other.stood / other.wall) for one, other in found]
    report.add("cell stands still for another thread, more than without", "%", stood, target=1.0)
    alone = [100 * other.stood / other.wall for _, other in found]
    report.add("  without a session", "%", alone)
    ran = [100 * (one.ran / other.ran - 1) for one, other in found]
    report.add("processor time for the same work, more than without", "%", ran)
    report.add("wall clock of the same work, more than without", "%", _longer(found))
    run(client, "session.close()")
    wall, _, stood_still = map(float, run(client, CONTROL.format(rounds=rounds)).split())
    report.add("  with a thread that works 2 % of the time", "%", [100 * stood_still / wall])


def _longer(found: Sequence[Pair]) -> list[float]:
    return [100 * (one.wall / other.wall - 1) for one, other in found]


def main() -> None:
    given = arguments(__doc__)
    report = Report("kernel: what a session costs a cell that holds the interpreter's lock")
    with tempfile.TemporaryDirectory(prefix="gs-", dir="/tmp") as name:
        own = {"GITSESSION_HOME": f"{name}/s", "PYTHONPATH": str(PROJECT), "HOME": name}
        environ = {**{key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}, **own}
        remote = sample(Path(name), environ)
        manager = KernelManager(kernel_name="python3")
        assert manager.kernel_spec is not None
        manager.kernel_spec.argv[0] = sys.executable
        manager.start_kernel(env=environ, cwd=name)
        client = manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=ANSWER)
        options = f"workdir={name + '/tree'!r}, storage={name + '/vault'!r}, editor=None"
        opening = f"import gitsession\nsession = gitsession.open({str(remote)!r}, {options})"
        try:
            measured(client, opening, report, quick=given.quick)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
