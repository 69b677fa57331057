"""`open` with tokens that are no person's, or may not do everything."""

from __future__ import annotations

import pytest

from tests.rig.forge import Forge, Token
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
APP = "github-actions[bot]"
WORKFLOW = ".github/workflows/ci.yml"
BARE = frozenset({"repo"})
TOKENS = {
    "classic, without its scope": Token("ghp_" + "n0workflow" * 4, "ada", scopes=BARE),
    "of Actions": Token("ghs_" + "Act1ons" * 5, APP, "app", permissions={"contents": "write"}),
}


@pytest.fixture
def machine(runtime: Runtime, git_server: GitServer, hub: Hub, forge: Forge) -> Machine:
    forge.add_account(APP)
    forge.repository().roles[APP] = "write"
    runtime.extra |= {"GITHUB_SERVER_URL": git_server.site}
    return Machine(runtime, "ada/digits", ("--storage", "none"))


def add_workflow(machine: Machine) -> None:
    place = machine.worktree / WORKFLOW
    place.parent.mkdir(parents=True)
    place.write_text("on: push\n")
    (machine.worktree / "train.py").write_text("print('goes on')\n")


@pytest.mark.parametrize("kind", TOKENS)
def test_workflows_are_held_before_a_push_and_the_rest_goes_on(
    machine: Machine, forge: Forge, kind: str
) -> None:
    token = forge.add_token(TOKENS[kind])
    machine.runtime.extra["GITHUB_TOKEN"] = token.value
    opened = machine.gitsession(
        "open", machine.repo, "--workdir", str(machine.worktree), "--editor", "none", *machine.options
    )
    login = token.login.removesuffix("[bot]")
    assert ("GitHub App's installation" in opened.stderr) is (login != "ada")
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    add_workflow(machine)
    done = machine.gitsession("flush", "--timeout", "60", "--level", "safe", check=False)
    assert done.code == 3 and WORKFLOW in done.stderr
    (held,) = machine.json("status")["held"]
    assert held["path"] == WORKFLOW and "the token lacks the `workflow` scope" in held["reason"]
    hosted = forge.repository()
    (branch,) = hosted.refs(f"refs/heads/session/{login}/")
    assert hosted.read(branch, "train.py") == "print('goes on')"
