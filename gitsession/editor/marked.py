"""Ends a whole tree of processes, also those that were reparented or lead a session of their own.

Every process of an editor inherits one environment variable whose value names the editor. A terminal's shell
is a session leader, and what it started outlives its parent: neither process groups nor parent ids find them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gitsession import run

MARK = "GITSESSION_EDITOR"
GRACE = 3.0


def marked(value: str) -> Iterator[int]:
    """The ids of all processes that carry the mark, except the caller's own."""
    wanted = f"{MARK}={value}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (process / "environ").read_bytes().split(b"\0") and int(process.name) != os.getpid():
                yield int(process.name)


def living(value: str) -> list[int]:
    """Those that run: a zombie has ended."""
    return [pid for pid in marked(value) if run.is_alive(pid)]


def end(value: str, grace: float = GRACE) -> None:
    """End all that carry the mark: SIGHUP (which shells heed), SIGTERM, then SIGKILL until none is left."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        _signal(living(value), number)
    deadline = time.monotonic() + grace
    while left := living(value):
        if time.monotonic() > deadline:
            _signal(left, signal.SIGKILL)
        time.sleep(0.05)


def end_programs(value: str, program: Path) -> None:
    """Kill those that run one program: what a dead server left, not what a person started."""
    for pid in living(value):
        with suppress(OSError):
            if Path(f"/proc/{pid}/exe").readlink() == program.resolve():
                _signal([pid], signal.SIGKILL)


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
