"""What the children of a keeper leave behind when they end."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.rig.processes import child_ids

KEEPER = """
import os, signal, sys
from gitsession import run
from gitsession.agent import orphans
orphans.adopt()
signal.signal(signal.SIGCHLD, lambda *_: orphans.reap())
ours = run.start(["sh", "-c", "sh -c 'exit 3' & sleep 0.3 & exit 7"], env=dict(os.environ), stdin=run.PIPE)
print("started", flush=True)
sys.stdin.read()
print(ours.wait())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt others")
def test_adopted_processes_that_end_are_collected_and_our_own_keep_their_exit_code() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KEEPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as keeper:
        assert keeper.stdout is not None and keeper.stdout.readline() == "started\n"
        deadline = time.monotonic() + 20
        while len(child_ids(keeper.pid)) > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(child_ids(keeper.pid)) == 1  # our own, not waited for yet
        assert keeper.communicate("", timeout=20)[0] == "7\n"


ENDING = """
import os
from gitsession import run
from gitsession.agent import orphans
orphans.adopt()
argv = ["sh", "-c", "setsid sleep 60 >/dev/null 2>&1 & echo $!; setsid sleep 60 >/dev/null 2>&1 & echo $!"]
said = run.run(argv, timeout=20, env=dict(os.environ)).stdout
asker, other = map(int, said.split())
orphans.end(asker)
print(run.is_alive(asker), run.is_alive(other))
orphans.end()
print(run.is_alive(asker))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt others")
def test_who_asked_for_the_end_is_spared() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING], stdout=subprocess.PIPE, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["True", "False", "False"]
