"""Many sessions on one repository at once, as in a class: together they stay within GitHub's advice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gitsession.agent import control
from gitsession.agent.decide import remote_interval
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime
from tests.spine import Machine

ADVISED = 6  # pushes a minute
PAUSE = 1.0  # seconds between two changes of each


@pytest.fixture
def pupils(
    sealed: Path, git_server: GitServer, hub: Hub, request: pytest.FixtureRequest
) -> Iterator[list[Machine]]:
    extra = {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    made = [
        Machine(
            Runtime(sealed / f"p{number}", extra=extra),
            "ada/digits",
            ("--storage", "none", "--session", f"pupil-{number}"),
        )
        for number in range(request.param)
    ]
    yield made
    for each in made:
        each.runtime.kill()


class Work:
    """Changes a file on every machine, again and again."""

    def __init__(self, machines: list[Machine]) -> None:
        self._machines = machines
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        count = 0
        while not self._done.wait(PAUSE):
            count += 1
            for machine in self._machines:
                (machine.worktree / "homework.txt").write_text(f"{count}\n")


def interval(machine: Machine) -> float:
    """How seldom its agent pushes; asked as the command line does, without the cost of starting one."""
    (socket,) = machine.runtime.state.glob("sessions/*/agent.sock")
    (remote,) = control.ask(socket, "status", timeout=60)["status"]["replicas"]
    return float(remote["interval"])


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("pupils", "minutes"), [(3, 1), (30, 10)], indirect=["pupils"])
def test_all_share_the_pushes_that_github_advises(
    pupils: list[Machine], minutes: int, git_server: GitServer
) -> None:
    with ThreadPoolExecutor(4) as several:
        list(several.map(lambda machine: machine.open(), pupils))
    expected = remote_interval(len(pupils))
    with Work(pupils):
        assert eventually(lambda: all(interval(machine) == expected for machine in pupils), 900)
        before = len(git_server.pushes())
        time.sleep(60 * minutes)
        pushed = len(git_server.pushes()) - before
    # each may end one interval within the time although it began before
    assert 0 < pushed <= ADVISED * minutes + len(pupils)
    for machine in pupils:
        notes = " ".join(machine.json("status")["notes"])
        assert f"{len(pupils)} sessions of this repository are active" in notes
        assert f"at most every {expected:.0f} s" in notes
