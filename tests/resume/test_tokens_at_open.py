"""Tokens that are no person's, that may not do everything, and that end while the session runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.forge import ADA_TOKEN, GRACE_TOKEN, Forge, Token
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.rulesets import Ruleset
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


@pytest.mark.parametrize("hidden", [False, pytest.param(True, marks=pytest.mark.long)])
def test_rules_are_read_before_the_first_push_and_the_session_goes_on_without_a_branch(
    machine: Machine, git_server: GitServer, hub: Hub, forge: Forge, hidden: bool
) -> None:
    hosted = forge.repository()
    hosted.rules.append(Ruleset(("refs/heads/session/**/*",), ("creation",)))
    machine.runtime.extra["GITHUB_TOKEN"] = ADA_TOKEN
    more = ("--session", "lesson", *(("--branch", "hidden") if hidden else ()))
    where = ("--workdir", str(machine.worktree), "--editor", "none")
    said = machine.gitsession("open", machine.repo, *where, *machine.options, *more).stderr
    told = "may refuse session/ada/lesson: nobody may create such branches" in said
    assert told is not hidden
    assert (f"{git_server.site}/ada/digits/settings/rules" in said) is not hidden
    (machine.worktree / "a.txt").write_text("one\n")
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    assert hosted.refs("refs/heads/session/") == {}
    assert hosted.read("refs/gitsession/ada/lesson^", "a.txt") == "one"
    read = [call.at for call in hub.named("repos/get-branch-rules")]
    assert len(read) == (0 if hidden else 1)
    assert hidden or read[0] < min(push.at for push in git_server.pushes())


def test_a_session_goes_on_with_a_new_token_by_itself_or_by_the_next_open(
    machine: Machine, forge: Forge, sealed: Path
) -> None:
    first, second, third = (
        forge.add_token(Token("ghp_" + name * 12, "ada")) for name in ("abc", "def", "ghi")
    )
    source = sealed / "token"
    source.write_text(first.value)
    where = ("--storage", str(machine.runtime.drive), "--token-command", f"cat {source}")
    online = Machine(machine.runtime, machine.repo, where)
    branch = f"refs/heads/{online.open()['branch']}"
    notes = online.worktree / "notes.txt"
    flush = ("flush", "--timeout", "60", "--level")

    source.write_text(second.value)
    forge.revoke(first.value)
    notes.write_text("by the second\n")
    online.gitsession(*flush, "safe")
    hosted = forge.repository()
    assert hosted.read(branch, "notes.txt") == "by the second"

    forge.revoke(second.value)
    for line in ("by nobody\n", "waits for a token\n"):
        notes.write_text(line)
        online.gitsession(*flush, "stored")
        assert online.gitsession(*flush[:1], "--timeout", "5", "--level", "safe", check=False).code == 3
    status = online.json("status")
    assert any("token is not accepted any more" in note for note in status["notes"])
    assert [event["kind"] for event in status["events"]].count("token") == 1
    online.runtime.extra["GITHUB_TOKEN"] = GRACE_TOKEN
    refused = online.gitsession("open", online.repo, "--workdir", str(online.worktree), check=False)
    assert refused.code == 4 and "grace's" in refused.stderr
    online.runtime.extra["GITHUB_TOKEN"] = third.value
    opened = online.gitsession("open", online.repo, "--workdir", str(online.worktree))
    assert "goes on with the new token" in opened.stderr
    online.gitsession(*flush, "safe")
    assert hosted.read(branch, "notes.txt") == "waits for a token"
    assert not any("token" in note for note in online.json("status")["notes"])
