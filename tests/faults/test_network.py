"""The way to the remote fails, in every way and at every place: nothing hangs, loops or is lost."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal

import pytest

from gitsession.address import Address
from gitsession.agent.decide import MAX_RETRY, back_off
from gitsession.errors import GitError, LeaseLost
from gitsession.git.command import Repository
from gitsession.model import Level
from gitsession.replicas.base import Shipment
from gitsession.replicas.remote import Remote
from tests.faults.conftest import in_portions, replica
from tests.replicas.conftest import SESSION, Chain
from tests.rig import faults
from tests.rig.connect_proxy import ConnectProxy
from tests.rig.fault_proxy import CLEAR, Action, Conditions, Direction, FaultProxy
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.noted import note
from tests.rig.patience import eventually
from tests.rig.repositories import git
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

IMPATIENT = 2.0  # seconds that a call may take; a person's may take minutes
OUTAGES = os.environ.get("TEST_OUTAGES", "6").split()
ACTIONS: tuple[Action, ...] = ("cut", "reset", "hold", "swallow", "lose-reply")
Lasts = Literal["once", "always", "then nothing"]
DIRECTIONS: tuple[Direction, ...] = ("up", "down")
PLACES = (0, 1, 5, 400, 0.1, 0.25, 0.5, 0.75, 0.95, -1)  # bytes, shares of a connection's, or its last one


# As the product has it: a token in the URL is "refused" to git where the way breaks after the first 401.
HELPER = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "credential.helper",
    "GIT_CONFIG_VALUE_0": f"!printf 'username=ada\\npassword={ADA_TOKEN}\\n' #",
}
LASTS: tuple[Lasts, ...] = ("once", "always", "then nothing")


@dataclass(frozen=True)
class Case:
    """Where on the way of a push or a fetch what happens, and for how long."""

    push: bool
    action: Action
    direction: Direction
    place: float
    lasts: Lasts


EVERY = [
    Case(*case)
    for case in itertools.product((True, False), ACTIONS, DIRECTIONS, PLACES, LASTS)
    if (case[1] != "lose-reply" or case[2] == "up") and (case[1] != "hold" or case[4] != "then nothing")
]
ALWAYS = [
    Case(True, "lose-reply", "up", 0.95, "then nothing"),
    Case(True, "cut", "up", 0.5, "once"),
    Case(True, "hold", "up", 0, "once"),
    Case(False, "reset", "down", 0.5, "always"),
]
PORTIONS = in_portions(EVERY, ALWAYS)


@dataclass
class Way:
    """A session whose remote lies behind a network that fails."""

    chain: Chain
    server: GitServer
    proxy: FaultProxy
    remote: Remote

    def ship(self) -> Shipment:
        shipment = self.chain.save({"a.txt": os.urandom(60_000)})
        assert self.remote.ship(shipment).level is Level.SAFE
        assert self.there() == (shipment.state, shipment.snapshot)
        return shipment

    def there(self) -> tuple[str, str]:
        """What the server has: the state and the branch, which never part."""
        found = self.server.forge.repository().refs()
        state, branch = found[SESSION.state_ref], found[SESSION.branch_ref]
        assert git(self.server.forge.repository().path, "rev-parse", f"{state}^1") == branch
        return state, branch

    def length(self, direction: Direction) -> int:
        """Bytes of the longest connection since the proxy was last asked."""
        longest = max(link.passed(direction) for link in self.proxy.links)
        self.proxy.links.clear()
        return longest


@pytest.fixture
def way(chain: Chain, git_server: GitServer) -> Iterator[Way]:
    with FaultProxy(git_server.port) as proxy:
        address = Address(proxy.through(git_server.url()), "127.0.0.1", "ada", "digits")
        remote = Remote(chain.repository, address, SESSION, credentials=HELPER)
        yield Way(chain, git_server, proxy, remote)


@contextmanager
def befalls(case: Case, proxy: FaultProxy, offset: int) -> Iterator[None]:
    """Let it happen, and where nothing comes through afterwards, hang up on every connection from then on."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.001):
            if any(link.fate != "none" for link in proxy.links):
                proxy.conditions = Conditions(action="cut")
                return

    times = None if case.lasts == "always" else 1
    proxy.conditions = Conditions(action=case.action, direction=case.direction, after=offset, times=times)
    watcher = threading.Thread(target=watch)
    if case.lasts == "then nothing":
        watcher.start()
    yield
    over.set()
    if case.lasts == "then nothing":
        watcher.join()
    proxy.conditions = CLEAR


def after(case: Case, length: int) -> int:
    if case.place < 0:
        return length - 1
    return int(case.place * length) if 0 < case.place < 1 else int(case.place)


def try_it(case: Case, way: Way, fresh: Repository, shipped: Shipment, new: Shipment) -> None:
    hurried = replace(way.remote, timeout=IMPATIENT)
    try:
        if case.push:
            assert hurried.ship(new).level is Level.SAFE
            assert way.there() == (new.state, new.snapshot), case
        else:
            assert hurried.fetch(SESSION, into=fresh) == shipped.state
    except LeaseLost as lost:
        raise AssertionError(f"{case}: {lost}") from lost
    except GitError as error:
        assert error.what and error.hint, case


@pytest.mark.parametrize("cases", PORTIONS.values(), ids=PORTIONS)
def test_whatever_happens_on_the_way_the_next_try_makes_it_good(
    way: Way, fresh: Repository, cases: list[Case]
) -> None:
    """An acknowledgement is true, an error is no lost lease, and the refs never part."""
    for case in cases:
        way.proxy.conditions = CLEAR
        shipped = way.ship()
        if not case.push:
            way.proxy.links.clear()
            assert way.remote.fetch(SESSION, into=fresh) == shipped.state
        offset = after(case, way.length(case.direction))
        fresh.run("update-ref", "-d", f"refs/gitsession-fetched/remote/{SESSION}")
        new = way.chain.save({"a.txt": os.urandom(60_000)})
        with befalls(case, way.proxy, offset):
            try_it(case, way, fresh, shipped, new)
        assert way.there()[0] in (shipped.state, new.state)
        later = way.ship()
        assert way.remote.fetch(SESSION, into=fresh) == later.state, case
    for repository in (way.server.forge.repository().path, fresh.git_dir):
        git(repository, "fsck", "--strict", "--no-dangling")


@pytest.mark.parametrize("lasts", [1, None])
def test_a_way_that_breaks_after_the_first_answer_is_no_refused_token(
    way: Way, fresh: Repository, lasts: int | None
) -> None:
    shipped = way.ship()
    for offset in range(700, 900, 25):  # between git's first question, without a token, and its second
        way.proxy.conditions = Conditions(action="cut", after=offset, times=lasts)
        with suppress(GitError):
            assert way.remote.fetch(SESSION, into=fresh) == shipped.state


def test_a_proxy_in_between_may_fail_too(
    way: Way, git_server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.proxy.refuse()
    remote = replace(way.remote, address=replace(way.remote.address, url=git_server.url()))
    with ConnectProxy() as between:
        monkeypatch.setenv("HTTPS_PROXY", between.site)
        remote.ship(way.chain.save({"a.txt": "one"}))
        assert set(between.asked) == {f"127.0.0.1:{git_server.port}"}
        for fault in (faults.down("connect"), faults.Fault("stall", "connect", times=None), None):
            if fault is not None:
                between.faults.add(fault)
            else:
                between.stop()
            new = way.chain.save({"a.txt": f"{fault}"})
            with pytest.raises(GitError) as failed:
                replace(remote, timeout=IMPATIENT).ship(new)
            assert failed.value.hint and not isinstance(failed.value, LeaseLost)
            between.faults.clear()
        between.start()
        assert remote.ship(new).level is Level.SAFE


def test_a_name_that_nobody_knows_is_an_error(way: Way) -> None:
    address = replace(way.remote.address, url="https://gitsession.invalid/ada/digits.git")
    with pytest.raises(GitError) as failed:
        replace(way.remote, address=address, timeout=30.0).ship(way.chain.save({"a.txt": "one"}))
    assert failed.value.hint and not isinstance(failed.value, LeaseLost)


@pytest.mark.parametrize("roll", [0.0, 0.5, 1.0])
def test_an_hour_without_github_costs_few_tries_and_the_next_is_near(roll: float) -> None:
    waits: list[float] = []
    while sum(waits) < 3600:
        waits.append(back_off(len(waits) + 1, roll))
    assert len(waits) <= 70
    assert max(waits) <= MAX_RETRY


@pytest.mark.long
@pytest.mark.parametrize("seconds", OUTAGES)
def test_an_outage_is_neither_hammered_nor_slept_through(
    runtime: Runtime, git_server: GitServer, hub: Hub, seconds: str
) -> None:
    """Every connection is counted while GitHub hangs up at once; then all is safe without anybody's doing.

    How long that took from GitHub's return on is noted in `.cache/outages.jsonl`.
    """
    with FaultProxy(git_server.port) as proxy:
        runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": proxy.through(git_server.site)}
        machine = Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))
        machine.open()
        machine.gitsession("flush", "--timeout", "60", "--level", "safe")
        proxy.conditions = Conditions(action="cut")
        proxy.links.clear()
        (machine.worktree / "late.txt").write_text("while GitHub was away\n")
        assert eventually(lambda: bool(replica(machine, "remote")["error"]))
        time.sleep(float(seconds))
        tries = len(proxy.links)
        assert 1 <= tries <= 20 + 4 * float(seconds) / 60  # a try takes up to three, a pause 60 to 120 s
        assert replica(machine, "vault")["level"] == "stored"
        proxy.conditions, returned = CLEAR, time.monotonic()
        assert eventually(lambda: is_safe(machine), 2 * MAX_RETRY)
        took = time.monotonic() - returned
        note("outages", {"outage": seconds, "tries": tries, "safe after": took, "load": os.getloadavg()[0]})


def is_safe(machine: Machine) -> bool:
    seen = replica(machine, "remote")
    return seen["level"] == "safe" and not seen["pending"]
