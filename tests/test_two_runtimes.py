"""Several runtimes on one session: with pauses, kills, cut links, lost replies and clocks that are wrong.

`scripts/test --runtimes 200` plays the whole thing: eight of them for 200 rounds, an hour and more.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.players import Player, Watch
from tests.rig.fault_proxy import CLEAR, Conditions, FaultProxy
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.repositories import PROJECT, git
from tests.rig.runtime import Runtime
from tests.spine import Machine

ROUNDS = int(os.environ.get("GITSESSION_ROUNDS", "8"))
RUNTIMES = 8
MINUTE = 60.0
PATIENCE = 120.0
YEAR = 365 * 86_400
SESSION = ("--session", "lesson")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900 + 60 * ROUNDS)]


@pytest.fixture
def player(sealed: Path, git_server: GitServer, hub: Hub) -> Iterator[Callable[..., Player]]:
    """Make machines on which `gitsession` reaches the server by way of a link that can fail."""
    players: list[Player] = []

    def make(name: str, python: str = sys.executable) -> Player:
        link = FaultProxy(git_server.port)
        link.start()
        site = link.through(git_server.site)
        runtime = Runtime(sealed / name, extra={"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": site})
        players.append(Player(Machine(runtime, "ada/digits", ("--storage", "none"), python), link))
        return players[-1]

    yield make
    for each in players:
        print(each.told())
        each.machine.runtime.kill()
        each.link.stop()


def history(bare: Path, listed: list[dict[str, str]]) -> dict[str, set[str]]:
    """Who added which file, over all branches that `list` shows: runtimes by path."""
    branches = [f"refs/heads/session/{entry['owner']}/{entry['name']}" for entry in listed]
    form = "--format=@%(trailers:key=Gitsession-Runtime,valueonly)"
    log = git(bare, "log", form, "--name-only", "--diff-filter=A", *branches, "--")
    added: dict[str, set[str]] = {}
    runtime = ""
    for line in log.splitlines():
        if line.startswith("@"):
            runtime = line[1:].strip()
        elif line.endswith(".txt"):
            added.setdefault(line, set()).add(runtime)
    return added


def assert_all_kept(players: list[Player], bare: Path) -> None:
    added = history(bare, players[0].machine.json("list", "ada/digits", "--storage", "none"))
    for each in players:
        for path, runtime in each.acknowledged.items():
            assert added.get(path) == {runtime}, path


def assert_one_leader_each(players: list[Player]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        names = [each.ask("status", 30.0)["status"]["session"] for each in players]
        if len(set(names)) == len(names):
            return
        assert time.monotonic() < deadline, names
        time.sleep(0.5)


Mishap = Callable[[Player, Player], None]


def play(players: list[Player], mishaps: list[Mishap], chance: random.Random) -> None:
    """All open one session; then to two of them at a time something happens, while both work."""
    for each in players:
        each.machine.open(*SESSION)
        assert each.work()
    for number, mishap in enumerate(mishaps, 1):
        one, other = chance.sample(players, 2)
        began = time.monotonic()
        mishap(one, other)
        other.work()
        print(f"round {number}: {mishap.__name__} {one.name} {other.name} {time.monotonic() - began:.1f} s")
    for each in players:
        assert each.work(seconds=PATIENCE)


@pytest.mark.timeout(240)
def test_what_was_acknowledged_stays_through_a_pause_a_kill_a_cut_and_a_wipe(
    player: Callable[..., Player], git_server: GitServer
) -> None:
    players = [player(f"r{number}") for number in range(3)]
    play(players, [_pause, _kill, _cut, _wipe], random.Random(2026))
    assert_all_kept(players, git_server.forge.repository().path)
    assert_one_leader_each(players)
    assert sum(len(each.acknowledged) for each in players) >= 2 * len(players)


@pytest.mark.long
def test_eight_runtimes_lose_nothing_and_never_lead_together(
    player: Callable[..., Player], git_server: GitServer
) -> None:
    chance = random.Random(int(os.environ.get("GITSESSION_SEED", "2026")))
    players = [player(f"r{number}") for number in range(RUNTIMES)]
    watch = Watch(players)
    watch.start()
    try:
        play(players, [chance.choice([_pause, _kill, _cut, _wipe]) for _ in range(ROUNDS)], chance)
        assert_all_kept(players, git_server.forge.repository().path)
        assert_one_leader_each(players)
    finally:
        together = watch.stop()
    assert sum(len(each.acknowledged) for each in players) >= 2 * RUNTIMES
    assert max(together.values(), default=0.0) < MINUTE, together


def _pause(one: Player, other: Player) -> None:
    """A runtime sleeps while another one works."""
    one.pause()
    other.work()
    one.go_on()
    one.work()


def _kill(one: Player, _other: Player) -> None:
    """Every process of a runtime is killed; it is opened again in its own work tree."""
    one.reaches = False
    one.machine.runtime.kill()
    one.machine.open()
    one.reaches = True
    one.work()


def _cut(one: Player, other: Player) -> None:
    """A runtime's link is cut while both work."""
    one.cut()
    one.work(seconds=1)
    other.work()
    one.mend()
    one.work()


def _wipe(one: Player, _other: Player) -> None:
    """A machine vanishes, and a new one takes the session over."""
    one.reaches = False
    one.machine.lose()
    one.machine.open(*SESSION)
    one.reaches = True
    one.work()


@pytest.mark.parametrize("years", [pytest.param(-10, marks=pytest.mark.long), 10])
def test_clocks_ten_years_off_change_nothing(
    player: Callable[..., Player], git_server: GitServer, sealed: Path, years: int
) -> None:
    wrong = player("a", python=_skewed(sealed / "skew", years))
    right = player("b")
    wrong.machine.open(*SESSION)
    assert wrong.work()
    bare = git_server.forge.repository().path
    off = float(git(bare, "log", "-1", "--format=%at", "session/ada/lesson")) - time.time()
    assert abs(off) > 9 * YEAR, "the clock of this runtime was to be wrong"
    right.machine.open(*SESSION)
    assert right.work()
    assert (right.machine.worktree / "a-1.txt").exists()
    wrong.machine.lose()
    assert wrong.machine.open()["session"] == "lesson"
    assert (wrong.machine.worktree / "b-1.txt").exists()
    assert wrong.work()
    assert right.work()
    assert_all_kept([right, wrong], bare)
    assert_one_leader_each([wrong, right])


@pytest.mark.long
@pytest.mark.parametrize("years", [10, -10])
def test_clocks_ten_years_off_change_nothing_in_a_vault(
    sealed: Path, sample_repository: Path, years: int
) -> None:
    """Two machines in turns, each lost after its turn: what the other did is there every time."""
    options = ("--storage", str(sealed / "drive"), "--no-publish", *SESSION)
    pythons = [_skewed(sealed / "skew", years), sys.executable]
    machines = [
        Machine(Runtime(sealed / name), str(sample_repository), options, python)
        for name, python in zip("ab", pythons, strict=True)
    ]
    done: set[str] = set()
    for turn in range(4):
        machine = machines[turn % 2]
        assert machine.open()["session"] == "lesson"
        assert done <= {path.name for path in machine.worktree.iterdir()}
        done.add(f"{turn}.txt")
        (machine.worktree / f"{turn}.txt").write_text(f"{turn}\n")
        machine.gitsession("flush", "--timeout", "60", "--level", "stored")
        machine.lose()


def _skewed(place: Path, years: int) -> str:
    """An interpreter whose processes all have another wall clock, and the same monotonic one.

    libfaketime would do so for git too, but waiting with a time limit never ends below it.
    """
    packages = place / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    packages.mkdir(parents=True)
    (place / "bin").mkdir()
    (place / "bin/python").symlink_to(sys.executable)
    (place / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    found = [str(PROJECT), *(path for path in sys.path if path.endswith("-packages"))]
    (packages / "real.pth").write_text("".join(f"{path}\n" for path in found))
    code = f"import time\n_now, _ns = time.time, time.time_ns\nOFF = {years * YEAR}\n"
    code += "time.time = lambda: _now() + OFF\ntime.time_ns = lambda: _ns() + OFF * 10**9\n"
    (packages / "sitecustomize.py").write_text(code)
    return str(place / "bin/python")


def test_a_lost_reply_is_neither_repeated_nor_reported_as_lost(
    player: Callable[..., Player], git_server: GitServer
) -> None:
    one = player("a")
    one.machine.open(*SESSION)
    assert one.work()
    pushes = len(git_server.pushes("ada/digits"))
    one.link.conditions = Conditions(action="lose-reply", after=1500, times=2)
    one.work()
    one.link.conditions = CLEAR
    assert one.work()
    assert one.machine.json("status")["session"] == "lesson"
    bare = git_server.forge.repository().path
    numbers = git(bare, "log", "--format=%(trailers:key=Gitsession-Snapshot,valueonly)", "session/ada/lesson")
    found = [int(line) for line in numbers.split()]
    assert found == sorted(set(found), reverse=True)
    assert len(git_server.pushes("ada/digits")) > pushes
    assert_all_kept([one], bare)
