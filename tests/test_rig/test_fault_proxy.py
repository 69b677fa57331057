from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.fault_proxy import CLEAR, Action, Conditions, FaultProxy
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.repositories import git


@pytest.fixture
def proxy(git_server: GitServer) -> Iterator[FaultProxy]:
    with FaultProxy(git_server.port) as proxy:
        yield proxy


@pytest.fixture
def work(git_server: GitServer, proxy: FaultProxy, sealed: Path) -> Path:
    """A clone by way of the proxy, with a commit of incompressible bytes to push."""
    git(sealed, "clone", "--quiet", proxy.through(git_server.authorised_url(ADA_TOKEN)), "work")
    (sealed / "work" / "noise").write_bytes(os.urandom(300_000))
    git(sealed / "work", "add", "noise")
    git(sealed / "work", "commit", "--quiet", "-m", "Add noise")
    return sealed / "work"


def push(work: Path, ref: str = "refs/heads/x", time_limit: float = 30) -> int:
    command = ["git", "push", "--quiet", "origin", f"HEAD:{ref}"]
    return subprocess.run(
        command, cwd=work, stderr=subprocess.DEVNULL, timeout=time_limit, check=False
    ).returncode


def test_clear_weather_passes_everything(git_server: GitServer, proxy: FaultProxy, work: Path) -> None:
    assert push(work) == 0
    assert "refs/heads/x" in git_server.forge.repository().refs()
    assert proxy.links[-1].up > 300_000


@pytest.mark.parametrize("action", ["cut", "reset"])
@pytest.mark.parametrize("after", [0, 1, 600, 100_000])
def test_a_cut_on_the_way_up_lets_exactly_the_bytes_before_it_pass(
    git_server: GitServer, proxy: FaultProxy, work: Path, action: Action, after: int
) -> None:
    """libcurl may try again on a fresh connection, so the push itself may get through."""
    proxy.conditions = Conditions(action=action, after=after, times=1)
    code = push(work)
    assert [link.up for link in proxy.links if link.fate == action] == [after]
    assert ("refs/heads/x" in git_server.forge.repository().refs()) == (code == 0)
    assert push(work) == 0


def test_a_cut_on_the_way_down(proxy: FaultProxy, work: Path) -> None:
    proxy.conditions = Conditions(action="cut", direction="down", after=100, times=1)
    assert push(work) != 0
    assert proxy.links[-1].down == 100


def test_a_lost_reply_is_a_push_that_took_effect(
    git_server: GitServer, proxy: FaultProxy, work: Path
) -> None:
    proxy.conditions = Conditions(action="lose-reply", after=300_000, times=1)
    push(work)
    assert "lose-reply" in {link.fate for link in proxy.links}
    assert "refs/heads/x" in git_server.forge.repository().refs()


def test_what_is_held_goes_on_when_the_weather_clears(
    git_server: GitServer, proxy: FaultProxy, work: Path
) -> None:
    proxy.conditions = Conditions(action="hold", after=50_000)
    command = ["git", "push", "--quiet", "origin", "HEAD:refs/heads/x"]
    waiting = subprocess.Popen(command, cwd=work)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.7)
    proxy.conditions = CLEAR
    assert waiting.wait(20) == 0
    assert "refs/heads/x" in git_server.forge.repository().refs()


def test_half_open_tells_neither_end(git_server: GitServer, proxy: FaultProxy, work: Path) -> None:
    proxy.conditions = Conditions(action="swallow", after=50_000)
    with pytest.raises(subprocess.TimeoutExpired):
        push(work, time_limit=1)
    proxy.conditions = CLEAR
    assert push(work, "refs/heads/y") == 0
    assert "refs/heads/x" not in git_server.forge.repository().refs()


def test_refusing_and_accepting_again(proxy: FaultProxy, work: Path) -> None:
    proxy.refuse()
    assert push(work) != 0
    proxy.accept()
    assert push(work) == 0


@pytest.mark.parametrize("conditions", [Conditions(latency=0.05), Conditions(bandwidth=1_000_000)])
def test_latency_and_bandwidth_take_their_time(proxy: FaultProxy, work: Path, conditions: Conditions) -> None:
    proxy.conditions = conditions
    begun = time.monotonic()
    assert push(work) == 0
    assert time.monotonic() - begun > 0.3


def test_when_the_server_is_gone_the_client_is_told(
    git_server: GitServer, proxy: FaultProxy, work: Path
) -> None:
    git_server.stop()
    assert push(work) != 0
