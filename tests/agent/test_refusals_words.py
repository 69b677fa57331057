"""Secrets outside the work tree: staged, in a commit's words, in a branch's name, in what ran."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gitsession.model import Level
from tests.agent.published import SESSION, Session, launch
from tests.rig.git_server import GitServer
from tests.rig.repositories import git

__all__ = ["launch"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
KEY = "ghp_" + "aB3dE6gH9jK2mN5pQ8rS" + "1tU4vW7xY0zAcDeF"


def refs_on(server: GitServer) -> list[str]:
    told = git(server.forge.repository().path, "show", f"{SESSION.state_ref}:refs.json")
    return list(json.loads(told)["refs"])


def settle(session: Session) -> None:
    """Ship until what may not leave was found out and everything else is there."""
    session.flush()
    assert session.flush() == ""


def test_a_secret_that_is_only_staged_stays_here(launch: Callable[..., Session]) -> None:
    session = launch()
    session.write({"config.py": f"key = '{KEY}'\n"})
    git(session.tree, "add", "config.py")
    session.write({"config.py": "clean\n", "good.txt": "good"})
    settle(session)
    assert session.there() | {"config.py": "clean", "good.txt": "good"} == session.there()
    assert KEY not in session.everything()
    assert git(session.tree, "show", ":config.py") == f"key = '{KEY}'"


@pytest.mark.parametrize("kind", ["commit", "stash", "tag"])
def test_a_secret_in_a_message_keeps_its_commit_here_and_nothing_else(
    launch: Callable[..., Session], kind: str
) -> None:
    session = launch()
    session.write({"train.py": "print('better')\n"})
    words = f"Use {KEY}"
    if kind == "commit":
        git(session.tree, "commit", "--quiet", "--all", "-m", words)
    elif kind == "stash":
        git(session.tree, "stash", "push", "--quiet", "-m", words)
    else:
        git(session.tree, "tag", "-a", "v1", "-m", words)
    session.write({"good.txt": "good"})
    settle(session)
    assert session.there()["good.txt"] == "good"
    assert KEY not in session.everything()


def test_a_branch_that_is_named_by_a_secret_is_not_published(
    launch: Callable[..., Session], git_server: GitServer
) -> None:
    session = launch()
    git(session.tree, "switch", "--quiet", "--create", f"try-{KEY}")
    session.write({"good.txt": "good"})
    settle(session)
    assert session.there()["good.txt"] == "good"
    assert KEY not in session.everything()
    assert f"refs/heads/try-{KEY}" not in refs_on(git_server)


def test_a_secret_on_a_command_line_is_not_told(launch: Callable[..., Session]) -> None:
    session = launch()
    record = {"command": f"train --token {KEY} --password hunter2", "exit": 0, "seconds": 1.0, "gpu": ""}
    session.ask("note-ran", ran=json.dumps(record))
    session.write({"good.txt": "good"})
    settle(session)
    told = session.everything()
    assert "train --token '[secret]' --password '[secret]'" in told
    assert KEY not in told and "hunter2" not in told


def test_what_names_a_finding_is_not_published_and_means_nothing_elsewhere(
    launch: Callable[..., Session],
) -> None:
    session = launch()
    session.write({"config.py": f"key = '{KEY}'\n"})
    session.flush()
    (held,) = session.agent.parts.saver.held
    assert held.finding and held.finding not in session.everything()
    assert session.agent.parts.saver.contents.salt not in session.everything()
    session.ask("allow", what=held.finding)
    assert session.flush(Level.SAFE) == ""
    assert session.there()["config.py"] == f"key = '{KEY}'"


LONG = [pytest.param(how, marks=pytest.mark.long) for how in ("new", "staged and gone", "stashed", "ignored")]


@pytest.mark.parametrize("how", ["renamed", "committed", *LONG])
def test_a_secret_in_a_files_name_stays_here(launch: Callable[..., Session], how: str) -> None:
    session = launch(keep=("kept-*",))
    name = f"notes-{KEY}.txt"
    if how == "renamed":
        git(session.tree, "mv", "train.py", name)
    elif how == "ignored":
        session.write({".gitignore": "kept-*\n", f"kept-{KEY}": "kept"})
    else:
        session.write({name: "plain words"})
    if how in ("staged and gone", "committed", "stashed"):
        git(session.tree, "add", "--all")
    if how == "staged and gone":
        (session.tree / name).unlink()
    elif how == "committed":
        git(session.tree, "commit", "--quiet", "-m", "Add notes")
    elif how == "stashed":
        git(session.tree, "stash", "push", "--quiet")
    session.write({"good.txt": "good"})
    settle(session)
    assert session.there()["good.txt"] == "good"
    assert KEY not in session.everything()


def test_a_file_with_a_secret_in_its_name_is_shown_and_can_be_allowed(launch: Callable[..., Session]) -> None:
    session = launch()
    name = f"notes-{KEY}.txt"
    session.write({name: "plain words"})
    settle(session)
    (held,) = session.agent.parts.saver.held
    assert (held.path, held.reason) == (name, "secret: GitHub token in its name")
    assert session.ask("allow", what=name)["released"] == (name,)
    assert session.flush(Level.SAFE) == ""
    assert session.there()[name] == "plain words"
