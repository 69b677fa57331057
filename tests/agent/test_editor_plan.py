"""What git takes for settings in the editor: the account's name where the person set none, else theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitsession.agent.editor_plan import Secrets, plan_of
from gitsession.editor.server import Layout
from gitsession.editor.wanted import Wanted
from tests.agent.conftest import Running, prepared
from tests.rig.repositories import git

__all__ = ["prepared"]  # pytest finds it here

THEIRS = {"user.name": "A. Lovelace", "user.email": "work@example.org", "pull.rebase": "true"}


@pytest.fixture
def own_files(prepared: Running, sealed: Path) -> tuple[Path, ...]:
    """The person's own settings, which name nobody yet."""
    (sealed / "home/.gitconfig").write_text("[core]\n\tabbrev = 12\n")
    return (sealed / "home/.gitconfig", prepared.tree / ".git/config")


def taken(session: Running, name: str) -> str:
    """What git in the editor takes for a setting."""
    layout = Layout(session.places.directory / "editor")
    plan = plan_of(session.configuration, layout, Wanted(), Secrets("", "", "", ""), ())
    return git(session.tree, "config", "--get", name, env=plan.environment)


def test_git_knows_its_person_and_how_to_pull(prepared: Running, own_files: tuple[Path, ...]) -> None:
    before = [path.read_bytes() for path in own_files]
    author = prepared.configuration.author
    assert [taken(prepared, name) for name in THEIRS] == [author.name, author.email, "false"]
    assert [path.read_bytes() for path in own_files] == before


@pytest.mark.parametrize("place", [0, 1])
def test_what_the_person_has_set_wins(prepared: Running, own_files: tuple[Path, ...], place: int) -> None:
    for name, value in THEIRS.items():
        git(prepared.tree, "config", "--file", str(own_files[place]), name, value)
    assert {name: taken(prepared, name) for name in THEIRS} == THEIRS
