"""That work is public is said once for each public repository, and only after somebody heard it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitsession.address import parse_address
from gitsession.resume.account import PUBLIC
from gitsession.resume.told import remember, untold
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.spine import Machine

ONE, OTHER = parse_address("ada/one"), parse_address("ada/other")


def test_is_told_until_it_was_heard_and_then_for_others_only(sealed: Path) -> None:
    notes = ("Something else.", PUBLIC)
    assert untold(notes, ONE) == notes
    assert untold(notes, ONE) == notes
    remember(notes, ONE)
    remember(notes, ONE)
    assert untold(notes, ONE) == ("Something else.",)
    assert untold(notes, OTHER) == notes
    remember(("Something else.",), OTHER)
    assert untold(notes, OTHER) == notes


@pytest.mark.slow
def test_the_second_open_says_it_no_more(runtime: Runtime, git_server: GitServer, hub: Hub) -> None:
    git_server.forge.repository().private = False
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    machine = Machine(runtime, "ada/digits")
    options = ("--editor", "none", "--storage", "none", "--workdir", str(machine.worktree))
    given = ("open", "ada/digits", *options)
    first = machine.gitsession(*given)
    assert first.stderr.count("This repository is public") == 1
    machine.gitsession("close")
    assert "is public" not in machine.gitsession(*given).stderr
