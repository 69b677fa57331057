"""What a session costs a busy notebook kernel: the share of its time that the thread behind the card takes.

A real ipykernel runs a cell of pure Python, which holds the interpreter's lock all the time, while a file in
the work tree changes every half second. The share is processor time against the cell's wall clock, so that
other load changes it little. Contender: none; a kernel without a session has no such thread.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

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
ONCE = "time.sleep(3); print(1000 * cards())"  # the first look of all


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


def main() -> None:
    given = arguments(__doc__)
    seconds, runs = (5, 2) if given.quick else (30, 5)
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
        try:
            run(client, BUSY)
            options = f"workdir={name + '/tree'!r}, storage={name + '/vault'!r}, editor=None"
            run(client, f"import gitsession\nsession = gitsession.open({str(remote)!r}, {options})")
            run(client, "tree = session.worktree")
            once = [float(run(client, ONCE))]
            shares = measure(client, f"busy({seconds}, tree)", runs)
            run(client, "session.close()")
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    report.add("once after open: the thread lists the packages", "ms", once)
    report.add("share of the card's thread", "%", shares, target=1.0)
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
