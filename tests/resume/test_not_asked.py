"""A place that could not be asked for sessions: nothing is begun blindly beside what it may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitsession.address import parse_address
from gitsession.errors import GitError
from gitsession.resume.find import Search
from gitsession.resume.ground import Ground
from gitsession.resume.looking import ask_again
from gitsession.resume.opening import bring_up
from gitsession.resume.wish import Wish
from tests.rig.repositories import git
from tests.rig.runtime import Finished, Runtime
from tests.spine import Machine

SILENT = Search((), {"remote": GitError("The remote hung up.", stderr="")})


@pytest.fixture
def ground(sealed: Path, sample_repository: Path) -> Ground:
    return Ground(parse_address(str(sample_repository)), sealed / "tree", None, None)


def test_no_session_is_begun_where_only_the_question_for_sessions_failed(ground: Ground) -> None:
    wish = Wish(
        session=None, base=None, login="ada", publish=True, runtime="r1", consent=lambda _: False, listen=None
    )
    with pytest.raises(GitError, match="cannot be cloned: The remote hung up"):
        bring_up(ground, wish, SILENT, {})
    assert not ground.worktree.exists()


def test_a_remote_that_did_not_answer_is_asked_once_more(ground: Ground, sample_repository: Path) -> None:
    git(sample_repository, "update-ref", "refs/gitsession/ada/one", "HEAD")
    again = ask_again(SILENT, ground, runtime="r1", variables={})
    assert [(found.session.name, found.where) for found in again.found] == [("one", "remote")]
    assert again.failures == {}


def opened(machine: Machine) -> Finished:
    where = ("--workdir", str(machine.worktree), "--editor", "none")
    return machine.gitsession("open", machine.repo, *where, *machine.options)


@pytest.mark.slow
def test_a_vault_that_could_not_be_asked_is_named(runtime: Runtime, sample_repository: Path) -> None:
    storage = runtime.root / "drive" / "vault"
    storage.write_text("no folder\n")
    machine = Machine(runtime, str(sample_repository), ("--storage", str(storage)))
    first = opened(machine)
    assert "The vault could not be asked for sessions" in first.stderr
    assert "If it holds a session of yours" in first.stderr
    machine.gitsession("flush", "--timeout", "30", "--level", "safe")
    machine.lose()
    second = opened(machine)
    assert "Resumed" in second.stdout
    assert "What only it holds is not here now" in second.stderr
