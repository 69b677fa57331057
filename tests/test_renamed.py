"""A repository that is renamed while a session on it runs: a token is for one name only."""

from __future__ import annotations

import pytest

from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def machine(runtime: Runtime, git_server: GitServer, hub: Hub) -> Machine:
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    return Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))


def test_it_is_said_and_the_work_goes_on_under_it(machine: Machine, git_server: GitServer) -> None:
    machine.open()
    machine.gitsession("flush", "--level", "safe")
    renamed = git_server.forge.rename("ada/digits", "ada/numbers")
    (machine.worktree / "after.txt").write_text("after")
    assert machine.gitsession("flush", "--level", "stored").code == 0
    assert machine.gitsession("flush", "--level", "safe", check=False).code == 3
    notes = " ".join(machine.json("status")["notes"])
    assert "was renamed or moved. Close the session and open the repository again" in notes
    assert "token is not accepted" not in notes
    machine.gitsession("close", check=False)
    opened = machine.open()
    assert "redirection" not in machine.gitsession("list", "ada/digits").stderr
    machine.gitsession("flush", "--level", "safe")
    there = renamed.git("ls-tree", "--name-only", opened["branch"]).split()
    assert "after.txt" in there
