"""Continuous work under random faults: memory, descriptors, threads and disk stay flat, and all is sound.

`scripts/test --soak MINUTES` plays it for so long and leaves the curve in `.cache/soak.json`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.rig import processes
from tests.rig.fault_proxy import CLEAR, Conditions, FaultProxy
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.patience import eventually
from tests.rig.repositories import PROJECT, git
from tests.rig.runtime import Runtime
from tests.spine import Machine
from tests.trace import start_all

LONGEST_PAUSE = 120.0  # an agent that was killed often is started again after a minute
MINUTES = float(os.environ.get("GITSESSION_SOAK_MINUTES", "1"))
CURVE = PROJECT / ".cache/soak.json"
PACE = 1.5  # seconds that people pause at most
SAMPLE = 3.0
MOST_PSS = 150.0  # MB, agent and keeper together
OURS = ("gitsession.agent.keeper", "gitsession.agent.main")

Sample = Mapping[str, float]

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600 + 120 * MINUTES)]


def ours(runtime: Runtime) -> list[int]:
    return [seen.pid for seen in runtime.processes() if any(name in seen.arguments for name in OURS)]


def looked(runtime: Runtime, at: float) -> Sample | None:
    """What the agent and the keeper use now; None while one of them is being started again."""
    found = {"at": at, "pss": 0.0, "fds": 0.0, "threads": 0.0}
    pids = ours(runtime)
    if len(pids) < 2:
        return None
    with suppress(OSError):
        for pid in pids:
            place = Path(f"/proc/{pid}")
            rollup = (place / "smaps_rollup").read_text().splitlines()
            (pss,) = (line.split()[1] for line in rollup if line.startswith("Pss:"))
            found["pss"] += float(pss) / 1000
            found["fds"] += len(list((place / "fd").iterdir()))
            found["threads"] += len(list((place / "task").iterdir()))
        for name, folder in (("state", runtime.state), ("vault", runtime.drive)):
            found[name] = sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
        return found
    return None


class Trouble:
    """What goes wrong now and then; each is over by itself a little later."""

    def __init__(self, machine: Machine, proxy: FaultProxy, draw: random.Random) -> None:
        self.machine = machine
        self.proxy = proxy
        self.draw = draw
        self.count = 0
        self._over: Callable[[], object] = lambda: None

    def next(self) -> None:
        """End the trouble there is, and perhaps begin another."""
        self._over()
        self._over = lambda: None
        runtime = self.machine.runtime
        away = runtime.root / f"drive-away-{self.count}"
        match self.draw.randrange(6):
            case 0:
                self.proxy.refuse()
                self._over = self.proxy.accept
            case 1:
                self._weather(Conditions(action="cut", after=self.draw.randrange(8000)))
            case 2:
                self._weather(Conditions(latency=0.2, bandwidth=50_000))
            case 3:
                runtime.drive.chmod(0o500)
                (runtime.drive / "gitsession-v1").rename(away)
                self._over = lambda: self._back(away)
            case 4:
                agents = [pid for pid in ours(runtime) if "agent.main" in str(processes.look(pid))]
                processes.send(signal.SIGKILL, agents)
            case _:
                return
        self.count += 1

    def _weather(self, conditions: Conditions) -> None:
        self.proxy.conditions = conditions
        self._over = lambda: setattr(self.proxy, "conditions", CLEAR)

    def _back(self, away: Path) -> None:
        """Put the vault back, with what was begun anew meanwhile beside it."""
        self.machine.runtime.drive.chmod(0o700)
        begun = self.machine.runtime.drive / "gitsession-v1"
        if not begun.exists():
            away.rename(begun)

    def end(self) -> None:
        self._over()


@pytest.fixture
def proxy(git_server: GitServer) -> Iterator[FaultProxy]:
    with FaultProxy(git_server.port) as between:
        yield between


def soak(machine: Machine, trouble: Trouble) -> list[Sample]:
    samples: list[Sample] = []
    began = time.monotonic()
    due = 20.0
    while (passed := time.monotonic() - began) < MINUTES * 60:
        if passed > due:
            trouble.next()
            due = passed + trouble.draw.uniform(5, 25)
        if (seen := looked(machine.runtime, passed)) is not None:
            samples.append(seen)
        time.sleep(SAMPLE)
    trouble.end()
    return samples


def test_hours_of_work_stay_flat(
    runtime: Runtime, git_server: GitServer, hub: Hub, proxy: FaultProxy
) -> None:
    draw = random.Random(6)
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": proxy.through(git_server.site)}
    machine = Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))
    machine.open()
    people = start_all(runtime, machine.worktree, draw, PACE)
    trouble = Trouble(machine, proxy, draw)
    samples = soak(machine, trouble)
    for each in people:
        each.kill()
        each.wait()
    CURVE.parent.mkdir(exist_ok=True)
    CURVE.write_text(json.dumps({"faults": trouble.count, "samples": samples}))
    assert eventually(lambda: machine.gitsession("status", check=False).code == 0, LONGEST_PAUSE)
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    assert max(sample["pss"] for sample in samples) <= MOST_PSS
    half = len(samples) // 2
    for name, room in (("pss", 15.0), ("fds", 8.0), ("threads", 3.0)):
        early, late = (
            statistics.median(sample[name] for sample in part) for part in (samples[:half], samples[half:])
        )
        assert late <= early + room, name
    shadows = runtime.state.glob("sessions/*/shadow.git")
    for store in (machine.worktree, *shadows, *git_server.forge.root.glob("*/*.git")):
        git(store, "fsck", "--strict", "--no-dangling")
    machine.gitsession("close", "--timeout", "60", check=False)
