"""A template repository: a private copy is generated, the session lives there, and so does its review."""

from __future__ import annotations

import pytest

from tests.rig.forge import GRACE_TOKEN, Forge, Hosted
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def grace(runtime: Runtime, git_server: GitServer, hub: Hub, forge: Forge) -> Machine:
    """Grace's machine; she may read `ada/digits`, which is a template."""
    runtime.extra |= {"GITHUB_TOKEN": GRACE_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    forge.repository().template = True
    return Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))


def untouched(template: Hosted) -> bool:
    return template.pulls == {} and not template.refs("refs/heads/session/") and not template.refs("refs/git")


def test_its_copy_is_where_the_session_lives_comes_back_and_is_reviewed(
    grace: Machine, forge: Forge, hub: Hub
) -> None:
    hub.lag = 2  # generated, and empty for two more looks
    session = grace.open()["session"]
    copy = forge.repository("grace/digits")
    assert (copy.private, copy.generated_from, copy.fork_of) == (True, "ada/digits", None)
    assert grace.git("remote", "get-url", "origin").strip().endswith("/grace/digits")
    (grace.worktree / "train.py").write_text("print('better')\n")
    grace.gitsession("flush", "--timeout", "60", "--level", "safe")
    assert copy.read(f"session/grace/{session}", "train.py") == "print('better')"

    grace.lose()
    again = grace.open()
    assert (again["session"], again["resumed"]) == (session, True)
    assert (grace.worktree / "train.py").read_text() == "print('better')\n"
    assert len(hub.named("repos/create-using-template")) == 1 and len(forge.repositories) == 2

    number = grace.json("review")["number"]
    (pull,) = copy.pulls.values()
    assert (pull.number, pull.head_repository, pull.base) == (number, "grace/digits", "main")
    (row,) = grace.json("list", "ada/digits", "--storage", str(grace.runtime.drive))
    assert (row["name"], row["where"], row["pull"]) == (session, ["remote", "vault"], f"#{number} draft")
    assert row["repo"].endswith("/grace/digits")
    assert untouched(forge.repository())


@pytest.mark.parametrize(
    "options", [("--no-publish",), pytest.param(("--fork", "never"), marks=pytest.mark.long)]
)
def test_none_is_made_where_nothing_is_to_be_published(
    grace: Machine, forge: Forge, options: tuple[str, ...]
) -> None:
    grace.open(*options)
    (grace.worktree / "train.py").write_text("print('better')\n")
    grace.gitsession("flush", "--timeout", "60", "--level", "stored")
    assert list(forge.repositories) == ["ada/digits"] and untouched(forge.repository())


def test_a_name_that_is_taken_is_told_with_the_way_out(grace: Machine, forge: Forge) -> None:
    taken = forge.add_repository("grace", "digits")
    done = grace.gitsession("open", grace.repo, "--workdir", str(grace.worktree), *grace.options, check=False)
    assert done.code == 1 and "Use this template" in done.stderr
    assert taken.refs() == {}
