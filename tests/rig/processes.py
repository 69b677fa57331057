"""Finding and ending processes by what they carry, through /proc.

A process group does not hold what a daemon starts, since each session leader has a group of its own; the
environment a process was started with, its arguments and its working directory stay visible in /proc.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PROC = Path("/proc")
OUTLIVE_TESTS: set[int] = set()
"""Processes that fixtures of the whole run start; they and what they start may outlive a test."""


@dataclass(frozen=True)
class Seen:
    """A process as /proc shows it."""

    pid: int
    parent: int
    state: str
    arguments: str

    def __str__(self) -> str:
        return f"{self.pid} (parent {self.parent}, {self.state}): {self.arguments}"


def look(pid: int) -> Seen | None:
    """What /proc says of a process; None when it is gone."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
        arguments = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return None
    state, parent = stat.rpartition(")")[2].split()[:2]
    return Seen(pid, int(parent), state, arguments.replace(b"\0", b" ").decode(errors="replace").strip())


def everything() -> Iterator[Seen]:
    """Every process, zombies too."""
    for entry in PROC.iterdir():
        seen = look(int(entry.name)) if entry.name.isdecimal() else None
        if seen is not None:
            yield seen


def alive() -> Iterator[Seen]:
    """Every process that runs; zombies do not."""
    return (seen for seen in everything() if seen.state not in "ZX")


def carrying(mark: str) -> list[Seen]:
    """The processes, without this one, whose environment, arguments or working directory hold `mark`."""
    return [seen for seen in alive() if seen.pid != os.getpid() and _carries(seen.pid, mark.encode())]


def _carries(pid: int, mark: bytes) -> bool:
    folder = PROC / str(pid)
    with suppress(OSError):
        if mark in (folder / "environ").read_bytes() or mark in (folder / "cmdline").read_bytes():
            return True
        return mark in os.fsencode((folder / "cwd").readlink())
    return False


def child_ids(pid: int) -> list[int]:
    """The children of a process, zombies too, as the kernel lists them (proc_pid_task(5))."""
    try:
        lists = [(task / "children").read_text() for task in (PROC / str(pid) / "task").iterdir()]
    except FileNotFoundError:  # a kernel without the list, or a thread that ended meanwhile
        return [seen.pid for seen in everything() if seen.parent == pid]
    return [int(child) for listed in lists for child in listed.split()]


def descendants(pid: int, spared: Collection[int] = ()) -> list[Seen]:
    """The processes below one, nearest first, without the spared ones and those below them."""
    if not child_ids(pid):
        return []  # the usual case, and a look at every process of the machine is slow
    children: dict[int, list[Seen]] = {}
    for seen in alive():
        if seen.pid not in spared:
            children.setdefault(seen.parent, []).append(seen)
    found = list(children.get(pid, ()))
    for seen in found:
        found.extend(children.get(seen.pid, ()))
    return found


def adopt_orphans() -> None:
    """Make this process the parent of every orphan among its descendants, so that none gets out of sight.

    See PR_SET_CHILD_SUBREAPER in prctl(2).
    """
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def reap_orphans() -> None:
    """Collect the exit codes of adopted children, so that they do not stay as zombies."""
    for child in child_ids(os.getpid()):
        seen = look(child)
        if seen is not None and seen.state == "Z":
            with suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)


def send(number: signal.Signals, pids: Iterable[int]) -> None:
    """Signal each process; one that is gone already is no error."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def end_all(mark: str, time_limit: float = 20.0) -> list[Seen]:
    """Freeze, then SIGKILL, every process that carries `mark`, until none is left; answers with the killed.

    Frozen first, so that none sees another die: that is how a machine stops.

    Raises:
        TimeoutError: Some still run after `time_limit` seconds.
    """
    killed: dict[int, Seen] = {}
    deadline = time.monotonic() + time_limit
    while found := carrying(mark):
        pids = [seen.pid for seen in found]
        send(signal.SIGSTOP, pids)
        send(signal.SIGKILL, pids)
        killed.update((seen.pid, seen) for seen in found)
        if time.monotonic() > deadline:
            raise TimeoutError(f"still running: {', '.join(map(str, found))}")
        time.sleep(0.005)
    return list(killed.values())
