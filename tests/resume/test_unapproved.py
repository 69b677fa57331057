"""A fine-grained token that an organisation has not approved yet, told apart from what is not there."""

from __future__ import annotations

import pytest

from tests.rig.forge import Forge, Hosted, Token
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
FINE = "github_pat_" + "f1ne" * 8
WRITES = {"contents": "write", "pull_requests": "write"}


@pytest.fixture
def machine(runtime: Runtime, git_server: GitServer, hub: Hub, forge: Forge) -> Machine:
    runtime.extra |= {"GITHUB_SERVER_URL": git_server.site, "GITHUB_TOKEN": FINE}
    return Machine(runtime, "lab/course", ("--storage", str(runtime.drive)))


@pytest.fixture
def course(forge: Forge) -> Hosted:
    """A private repository of an organisation's, in which ada may write."""
    forge.add_account("lab", organisation=True)
    hosted = forge.add_repository("lab", "course", source=forge.repository().path)
    hosted.roles["ada"] = "write"
    return hosted


def pending(*repositories: str, approved: bool = False) -> Token:
    named = frozenset(repositories) or None
    return Token(FINE, "ada", "fine-grained", repositories=named, permissions=WRITES, approved=approved)


def refused(machine: Machine, repo: str) -> str:
    done = machine.gitsession("open", repo, "--workdir", str(machine.worktree), *machine.options, check=False)
    assert done.code == 1 and "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("repo", "words"),
    [
        ("lab/course", "it may still await lab's approval"),
        ("ada/digits", "this fine-grained token does not name it"),
        ("grace/notes", "none of another person's private ones"),
        ("nobody/course", "nobody/course, or this token cannot see it"),
    ],
)
def test_what_a_fine_grained_token_does_not_see_is_told_by_whose_it_is(
    machine: Machine, git_server: GitServer, forge: Forge, course: Hosted, repo: str, words: str
) -> None:
    forge.add_repository("grace", "notes").roles["ada"] = "write"
    forge.add_token(pending("lab/course"))
    said = refused(machine, repo)
    assert words in said
    names_page = f"{git_server.site}/settings/personal-access-tokens" in said
    assert names_page is (repo in ("lab/course", "ada/digits"))
    assert ("approv" in said) is (repo == "lab/course")


def test_a_public_repository_is_read_and_its_vault_filled_until_the_token_is_approved(
    machine: Machine, forge: Forge, course: Hosted
) -> None:
    course.private = False
    forge.add_token(pending())
    branch = f"refs/heads/{machine.open()['branch']}"
    (machine.worktree / "a.txt").write_text("one\n")
    machine.gitsession("flush", "--timeout", "60", "--level", "stored")
    assert course.refs(branch) == {}
    assert any("an owner approves it first" in note for note in machine.json("status")["notes"])
    forge.add_token(pending(approved=True))
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    assert course.read(branch, "a.txt") == "one"
