"""What a killed child leaves behind: adopted, so that it can be ended; elsewhere than on Linux it is left."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from gitsession import run

_PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """Become the parent of whatever our children leave behind, so that it can be ended.

    See PR_SET_CHILD_SUBREAPER in prctl(2).
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap() -> None:
    """Collect the exit codes of adopted processes that ended; what we started leads a group of its own."""
    for pid in _children():
        with suppress(ProcessLookupError, ChildProcessError):
            if os.getpgid(pid) != pid:
                os.waitpid(pid, os.WNOHANG)


def end(spared: int = 0) -> None:
    """SIGKILL every child process and what it started, until none is left but one that is spared."""
    while pids := [pid for pid in _children() if pid != spared]:
        for pid in pids:
            run.signal_group(pid, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]
