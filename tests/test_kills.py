"""Kill everything at a random moment, wipe the machine, open again: no acknowledged snapshot may be missing.

`scripts/test --kills N` plays N rounds; the suite plays a sample.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitsession.agent import control
from gitsession.errors import GitsessionError
from tests.rig.runtime import Runtime
from tests.spine import Machine

ROUNDS = int(os.environ.get("GITSESSION_KILL_ROUNDS", "50"))
LIVES = 10  # rounds that share a session, so that a session also grows old
WORK = """
import random, sys, time
from pathlib import Path
tree, seed = Path(sys.argv[1]), int(sys.argv[2])
draw = random.Random(seed)
while True:
    path = tree / f"w{draw.randrange(12)}.txt"
    match draw.randrange(5):
        case 0: path.unlink(missing_ok=True)
        case 1: path.write_text("x" * draw.randrange(20000))
        case 2:
            aside = path.with_suffix(".new"); aside.write_text(str(time.time())); aside.rename(path)
        case _: path.write_text(f"{seed} {time.time()}\\n")
    time.sleep(draw.random() * 0.05)
"""


@dataclass
class Ledger:
    """What the agent has said, kept outside of the machine: commits by number, and what replicas have."""

    commits: dict[int, str] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)

    def hear(self, status: dict[str, object]) -> None:
        snapshot = status["snapshot"]
        if isinstance(snapshot, dict):
            self.commits[snapshot["number"]] = snapshot["commit"]
        replicas = status["replicas"]
        assert isinstance(replicas, list)
        for replica in replicas:
            if replica["level"] in ("stored", "safe"):
                self.acknowledged[replica["name"]] = replica["acknowledged"]


@contextmanager
def listening(machine: Machine, ledger: Ledger) -> Iterator[None]:
    """Ask the agent for its status all the time, as the card and the editor do."""
    done = threading.Event()

    def listen() -> None:
        while not done.is_set():
            for socket in machine.runtime.state.glob("sessions/*/agent.sock"):
                with suppress(GitsessionError):
                    ledger.hear(control.ask(socket, "status", timeout=2)["status"])
            time.sleep(0.01)

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def one_life(machine: Machine, ledger: Ledger, draw: random.Random) -> None:
    """Open, work under the eyes of the ledger, and die at a random moment."""
    with listening(machine, ledger):
        machine.open()
        worker = machine.runtime.start(
            sys.executable, "-c", WORK, str(machine.worktree), str(draw.randrange(10**6))
        )
        time.sleep(draw.uniform(0.1, 2.5))
        machine.runtime.kill()
        worker.wait()


def assert_nothing_lost(machine: Machine, ledger: Ledger) -> None:
    """Every acknowledged snapshot is in the resumed session's history."""
    newest = max(ledger.acknowledged.values(), default=0)
    history = {entry["number"]: entry["commit"] for entry in machine.json("log", "--limit", "10000")}
    assert max(history, default=0) >= newest
    known = {number: commit for number, commit in ledger.commits.items() if number <= newest}
    assert known.items() <= history.items()


@pytest.fixture
def machine(runtime: Runtime, sample_repository: Path) -> Machine:
    return Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(max(1, ROUNDS // LIVES)))
def test_no_acknowledged_snapshot_is_lost(machine: Machine, seed: int) -> None:
    draw, ledger = random.Random(seed), Ledger()
    for _ in range(LIVES):
        one_life(machine, ledger, draw)
        machine.runtime.wipe()
        machine.open()
        assert_nothing_lost(machine, ledger)
        machine.lose()
        ledger.commits = {
            n: c for n, c in ledger.commits.items() if n <= max(ledger.acknowledged.values(), default=0)
        }


def test_the_ledger_catches_a_loss(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger({1: "a" * 40, 2: "b" * 40}, {"remote": 2})
    answer: Callable[..., object] = lambda *_: [{"number": 1, "commit": "a" * 40}]  # noqa: E731
    monkeypatch.setattr(Machine, "json", answer)
    with pytest.raises(AssertionError):
        assert_nothing_lost(machine, ledger)
