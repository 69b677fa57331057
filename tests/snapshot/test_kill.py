"""Killed at any moment: what was acknowledged is there, and the next save needs no repair."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.rig.repositories import PROJECT
from tests.snapshot.scene import Scene

ROUNDS = int(os.environ.get("TEST_KILLS", "20"))


def saved_until_killed(made: Scene, seed: int, after: float) -> list[str]:
    """Let a process save, kill it with SIGKILL, and answer with the commits that it acknowledged."""
    argv = [
        sys.executable,
        "-m",
        "tests.snapshot.saver",
        str(made.work),
        str(made.state),
        str(seed),
        "100000",
    ]
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, start_new_session=True) as process:
        first = process.stdout.readline() if process.stdout else b""
        time.sleep(after)
        os.killpg(process.pid, signal.SIGKILL)
        rest, _ = process.communicate()
    lines = [line.split() for line in (first + rest).splitlines() if line.count(b" ") == 3]
    return [line[2].decode() for line in lines]


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_by_kills(sealed: Path) -> None:
    made = Scene(sealed / "s")
    made.work.mkdir(parents=True)
    made.git("init", "-q", "-b", "main")
    made.state.mkdir()
    chance, ledger = random.Random(1), list[str]()
    for seed in range(ROUNDS):
        ledger += saved_until_killed(made, seed, chance.random() * 0.2)
        made.open()
        assert made.fsck() == ""
        chain = made.git("rev-list", "refs/gitsession-local/tip", cwd=made.shadow.directory).split()
        made.close()
        assert set(ledger) <= set(chain)
    assert ledger
