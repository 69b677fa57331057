"""One `open` of a work tree at a time: who comes second waits, and then attaches to what the first began."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gitsession import files
from gitsession.agent.places import local_state
from gitsession.errors import SessionError

PATIENCE = 1800.0  # a first clone of a huge repository takes long
PAUSE = 0.1


@contextmanager
def in_turn(worktree: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the work tree's turn while the block runs; a process that dies gives it up.

    Raises:
        AgentError: Local state cannot be kept where it should be.
        SessionError: Somebody else has been opening it for `patience` seconds.
    """
    digest = hashlib.sha256(os.fsencode(worktree)).hexdigest()[:16]
    with local_state() as root:
        folder = files.make_directory(root / "turns")
        lock = os.open(folder / digest, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait(lock, worktree, time.monotonic() + patience)
        yield
    finally:
        os.close(lock)


def _wait(lock: int, worktree: Path, until: float) -> None:
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise SessionError(
                    f"Another process has been opening {worktree} for a long time.",
                    safe="Nothing was touched.",
                    hint="End it, or name another directory with workdir= (--workdir).",
                ) from None
            time.sleep(PAUSE)
