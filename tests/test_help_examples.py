"""The examples of `gitsession VERB --help`: each is understood, and one session plays most of them."""

from __future__ import annotations

import re
import shlex
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from gitsession import cli
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Finished, Runtime

SHOWN = [verb for verb in cli.VERBS if verb not in cli.HIDDEN]
STORY = ["attach", "log", "run", "wait", "flush", "review", "env", "doctor", "list", "commit", "prune"]


def command(verb: str) -> click.Command:
    found = import_module(f"gitsession.commands.{verb}").command
    assert isinstance(found, click.Command)
    return found


def examples(verb: str) -> list[str]:
    """The shell lines behind `Example:`."""
    return (command(verb).epilog or "").removeprefix("Example: ").split(" · ")


def calls(line: str) -> list[list[str]]:
    """The words of each call of `gitsession` in a shell line."""
    whole = re.findall(r"gitsession [^&)]+", line)
    return [shlex.split(call if call.count('"') % 2 == 0 else call.replace('"', "")) for call in whole]


@pytest.mark.parametrize("verb", SHOWN)
def test_every_example_is_understood(verb: str) -> None:
    for line in examples(verb):
        assert calls(line)
        for _, called, *words in calls(line):
            assert called == verb
            command(verb).make_context(verb, words)


@pytest.fixture
def machine(runtime: Runtime, git_server: GitServer, hub: Hub) -> Runtime:
    """A machine with `gitsession` on its path, and ada's repository `engine` on the server."""
    hosted = git_server.forge.repository()
    engine = git_server.forge.add_repository("ada", "engine", source=Path(hosted.path))
    engine.roles["grace"] = "read"
    program = runtime.root / "bin" / "gitsession"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitsession "$@"\n')
    program.chmod(0o755)
    runtime.extra |= {
        "GITHUB_SERVER_URL": git_server.site,
        "GITHUB_TOKEN": ADA_TOKEN,
        "GITSESSION_STORAGE": str(runtime.drive),
        "PATH": f"{program.parent}:{Path(sys.executable).parent}:{runtime.env['PATH']}",
    }
    return runtime


def play(machine: Runtime, verb: str) -> Finished:
    """The first example of a verb, in the work tree where there is one; with our vault, without an editor."""
    line = examples(verb)[0].replace("--storage drive", "--storage " + str(machine.drive))
    line = line.replace("open ada/engine", "open ada/engine --editor none --session 20261122-qkzt")
    tree = machine.work / "engine"
    return machine.run("sh", "-ec", line, cwd=tree if tree.exists() else machine.work, timeout=100)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(400)
def test_one_session_plays_the_examples(machine: Runtime, git_server: GitServer) -> None:
    tree = machine.work / "engine"
    told = {"open": play(machine, "open").stdout}
    (tree / "train.py").write_text("import sys\nprint('trained', *sys.argv[1:])\n")
    for verb in STORY:
        told[verb] = play(machine, verb).stdout
    assert "may close the lid" in told["flush"]
    assert "trained --epochs 3" in told["run"]
    assert "20261122-qkzt" in told["list"]
    assert "/pull/" in told["review"]
    (pull,) = git_server.forge.repository("ada/engine").pulls.values()
    assert (pull.title, pull.reviewers) == ("Fit a second model", ["grace"])
    play(machine, "finish")
    assert not machine.processes()
