"""The machine under a session fails: its clock jumps, disk, inodes, open files or memory run out."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gitsession.agent.decide import SWEEP_INTERVAL
from gitsession.replicas.guard import UNCHECKED
from tests.rig import processes
from tests.rig.disk import NEEDS_ROOT, small_disk
from tests.rig.patience import eventually
from tests.rig.repositories import PROJECT
from tests.rig.runtime import Runtime
from tests.spine import Machine, tree

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(300)]

DAY = 86_400
CC = shutil.which("cc")


@pytest.fixture
def machine(runtime: Runtime, sample_repository: Path) -> Machine:
    return Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))


def agent_of(machine: Machine) -> int | None:
    """The agent's process; None while it is being started again."""
    done = machine.gitsession("status", "--json", check=False)
    return None if done.code else int(json.loads(done.stdout.splitlines()[-1])["agent"]["pid"])


def is_safe(machine: Machine) -> bool:
    """Whether everything is safe, as the status says without being asked to hurry."""
    done = machine.gitsession("status", "--json", check=False)
    return done.code == 0 and '"state": "safe"' in done.stdout and '"at_risk": []' in done.stdout


def assert_all_comes_back(machine: Machine) -> None:
    """After the machine was lost, the work tree is what it was."""
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    files = tree(machine.worktree)
    machine.lose()
    machine.open()
    assert tree(machine.worktree) == files


@pytest.mark.skipif(CC is None, reason="needs a C compiler")
@pytest.mark.parametrize("jumps", [(DAY, 0), (-DAY, 0), (400 * DAY, -400 * DAY)])
def test_a_clock_that_jumps_stops_nothing(machine: Machine, jumps: tuple[int, ...]) -> None:
    """Neither a snapshot nor a kept file, whose time lies ahead once the clock has gone back."""
    clock, shim = machine.runtime.root / "clock", machine.runtime.root / "clock.so"
    clock.write_text("0")
    source = PROJECT / "tests/rig/clock.c"
    subprocess.run([str(CC), "-shared", "-fPIC", "-o", str(shim), str(source)], check=True)
    machine.runtime.extra |= {"GITSESSION_RIG_CLOCK": str(clock), "LD_PRELOAD": str(shim)}
    replace(machine, options=(*machine.options, "--keep", "*.kept")).open()
    (machine.worktree / ".git/info/exclude").write_text("*.kept\n")
    for number, jump in enumerate(jumps):
        clock.write_text(str(jump))
        (machine.worktree / "new.txt").write_text(f"{number}\n")
        (machine.worktree / "new.kept").write_text(f"{number}\n")
        name = hashlib.sha256(f"{number}\n".encode()).hexdigest()
        assert eventually(lambda: abs(newest(machine) - time.time() - float(clock.read_text())) < DAY / 2)
        assert eventually(lambda: is_safe(machine))
        assert eventually(functools.partial(is_in_vault, machine, name))
    (machine.worktree / "new.kept").unlink()
    machine.gitsession("restore", "new.txt", "--at", "1 minute ago", check=False)
    del machine.runtime.extra["LD_PRELOAD"]
    assert_all_comes_back(machine)


def is_in_vault(machine: Machine, sha256: str) -> bool:
    """Whether the vault holds this among the contents that leave for nowhere else."""
    return any(machine.runtime.drive.rglob(f"held/{sha256}"))


def newest(machine: Machine) -> float:
    """The time of the newest snapshot."""
    return float(machine.json("status")["snapshot"]["at"])


def fill_bytes(place: Path) -> None:
    with (place / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return


def fill_inodes(place: Path) -> None:
    (place / "ballast").mkdir()
    try:
        for number in range(100_000):
            (place / "ballast" / str(number)).touch()
    except OSError:
        return


@pytest.mark.root
@NEEDS_ROOT
@pytest.mark.parametrize(
    ("options", "fill"),
    [("size=60m", fill_bytes), ("size=200m,nr_inodes=1500", fill_inodes)],
    ids=["no space", "no inodes"],
)
def test_a_full_disk_is_said_and_saving_goes_on_once_there_is_room(
    machine: Machine, options: str, fill: Callable[[Path], None]
) -> None:
    state = machine.runtime.state
    with small_disk(state, options):
        machine.open()
        machine.gitsession("flush", "--timeout", "60", "--level", "safe")
        fill(state)
        for number in range(30):
            (machine.worktree / f"late{number}.txt").write_bytes(os.urandom(20_000))
        full = machine.gitsession("flush", "--timeout", "10", "--level", "safe", check=False)
        assert full.code != 0 and "Traceback" not in full.stderr
        subprocess.run(["rm", "-rf", str(state / "ballast")], check=True)
        assert eventually(lambda: is_safe(machine))
        machine.gitsession("flush", "--timeout", "60", "--level", "safe")
        files = tree(machine.worktree)
        machine.runtime.kill()
    machine.runtime.wipe()
    machine.open()
    assert tree(machine.worktree) == files


def test_few_open_files_are_enough_or_the_error_is_clear(machine: Machine) -> None:
    words = f"open {machine.repo} --workdir {machine.worktree} --editor none {' '.join(machine.options)}"
    script = f"ulimit -n 40; exec {sys.executable} -m gitsession {words}"
    done = machine.runtime.run("sh", "-c", script, check=False)
    assert "Traceback" not in done.stderr
    if done.code == 0:
        (machine.worktree / "new.txt").write_text("new\n")
        assert eventually(lambda: is_safe(machine))
        assert_all_comes_back(machine)


def test_an_agent_without_memory_loses_nothing_and_pushes_nothing_unchecked(machine: Machine) -> None:
    """What cannot be checked for secrets for want of memory is in the vault; later it leaves by itself."""
    machine.open()
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    agent = agent_of(machine)
    assert agent is not None
    size = int(Path(f"/proc/{agent}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(agent, resource.RLIMIT_AS, (size + 1_000_000, resource.RLIM_INFINITY))
    for number in range(200):
        (machine.worktree / f"many{number}.bin").write_bytes(os.urandom(100_000))
    assert eventually(lambda: is_safe(machine))
    if agent_of(machine) == agent:
        resource.prlimit(agent, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    (machine.worktree / "many0.bin").touch()
    flush = ("flush", "--timeout", "30", "--level", "safe")
    assert eventually(lambda: machine.gitsession(*flush, check=False).code == 0)
    assert_all_comes_back(machine)


@contextmanager
def readers_killed(agent: int) -> Iterator[None]:
    """Whoever reads for secrets is killed as soon as it is there, as by a machine that is out of memory."""
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.02):
            seen = (processes.look(child) for child in processes.child_ids(agent))
            readers = [one.pid for one in seen if one is not None and "replicas.scan" in one.arguments]
            processes.send(signal.SIGKILL, readers)

    killer = threading.Thread(target=kill)
    killer.start()
    yield
    over.set()
    killer.join()


def test_what_could_not_be_read_for_secrets_leaves_by_itself_once_it_can_be(machine: Machine) -> None:
    """It is held meanwhile, and looked at again without anybody's doing."""
    machine.open()
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    agent = agent_of(machine)
    assert agent is not None
    with readers_killed(agent):
        lines = (f"value_{number} = measured({number})\n" for number in range(250_000))  # a second's reading
        (machine.worktree / "long.py").write_text("".join(lines))
        assert eventually(lambda: held(machine) == {"long.py": UNCHECKED})
    assert eventually(lambda: held(machine) == {} and is_safe(machine), 2 * SWEEP_INTERVAL)
    assert_all_comes_back(machine)


def held(machine: Machine) -> dict[str, str]:
    """The held files, each with its reason."""
    return {str(item["path"]): str(item["reason"]) for item in machine.json("status")["held"]}
