"""Kill everything at a random moment, wipe the machine, open again: no acknowledged snapshot may be missing.

An editor, a terminal with git and a training script work at once, see `tests/trace.py`.

`scripts/test --lives N [SEED]` plays N rounds, ten of each seed from SEED on, and notes how long each resume
took (`.cache/lives.jsonl`); the suite plays a sample.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gitsession.agent import control
from gitsession.errors import GitsessionError
from tests.rig.noted import note, rows
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime
from tests.spine import Machine
from tests.trace import start_all

ROUNDS = int(os.environ.get("GITSESSION_KILL_ROUNDS", "40"))
FIRST = int(os.environ.get("GITSESSION_KILL_FIRST", "0"))
NOTED = "GITSESSION_KILL_ROUNDS" in os.environ
LIVES = 10  # rounds that share a session, so that a session also grows old


@dataclass
class Ledger:
    """What the agent has said, kept outside of the machine: commits by number, and what replicas have."""

    commits: dict[int, str] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    session: str | None = None

    def see(self, opened: dict[str, object]) -> None:
        """A life goes on with the session of the one before, once any of that was acknowledged."""
        if self.acknowledged:
            assert (opened["session"], opened["resumed"]) == (self.session, True)
        self.session = str(opened["session"])

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
    """Ask the agent for its status all the time, as the card and the editor do, and to hurry now and then.

    A life is shorter than the pause between two shipments: unasked, only its first one would be seen.
    """
    done = threading.Event()

    def hurry() -> None:
        while not done.wait(0.5):
            for socket in machine.runtime.state.glob("sessions/*/agent.sock"):
                with suppress(GitsessionError):
                    control.ask(socket, "flush", timeout=3, seconds=2.0, level=None)

    def listen() -> None:
        while not done.is_set():
            for socket in machine.runtime.state.glob("sessions/*/agent.sock"):
                with suppress(GitsessionError):
                    ledger.hear(control.ask(socket, "status", timeout=2)["status"])
            time.sleep(0.01)

    threads = [threading.Thread(target=listen), threading.Thread(target=hurry)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


def one_life(machine: Machine, ledger: Ledger, draw: random.Random) -> None:
    """Open, work under the eyes of the ledger, and die at a random moment."""
    with listening(machine, ledger):
        ledger.see(machine.open())
        before = dict(ledger.acknowledged)
        people = start_all(machine.runtime, machine.worktree, draw)
        if draw.random() < 0.5:  # else a busy machine's lives would end before any work left it
            eventually(lambda: ledger.acknowledged != before)
        time.sleep(draw.uniform(0.1, 2.5))
        machine.runtime.kill()
        for each in people:
            each.wait()


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
@pytest.mark.parametrize("seed", range(FIRST, FIRST + max(1, ROUNDS // LIVES)))
def test_no_acknowledged_snapshot_is_lost(machine: Machine, seed: int) -> None:
    draw, ledger = random.Random(seed), Ledger()
    for life in range(LIVES):
        one_life(machine, ledger, draw)
        machine.runtime.wipe()
        began = time.monotonic()
        opened = machine.open()
        took = time.monotonic() - began
        ledger.see(opened)
        assert_nothing_lost(machine, ledger)
        if NOTED:
            note("lives", {"seed": seed, "life": life, "resume": took, "load": os.getloadavg()[0]})
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


def summary() -> str:
    """How many lives were noted, of which seeds, and how long their resumes took."""
    noted = list(rows("lives"))
    times = sorted(row["resume"] for row in noted)
    loads = [row["load"] for row in noted]
    at = [f"{times[int(part * (len(times) - 1))]:.1f} s ({part:.0%})" for part in (0.5, 0.95, 0.99, 1)]
    seeds = sorted({row["seed"] for row in noted})
    return (
        f"{len(times)} lives noted, of the seeds {seeds}; a resume took {', '.join(at)}, "
        f"at loads of {min(loads):.1f} to {max(loads):.1f}"
    )


if __name__ == "__main__":
    print(summary())
