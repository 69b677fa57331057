"""A large repository: the work tree stands before older contents have come, and nothing is missed after."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gitsession.address import parse_address
from gitsession.agent.completing import Completing
from gitsession.agent.log import Log
from gitsession.git import Repository, partial
from gitsession.resume import bring
from gitsession.resume.opening import LARGE
from gitsession.snapshot.user import discover
from tests.rig.forge import ADA_TOKEN, Forge
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.patience import eventually
from tests.rig.repositories import git
from tests.rig.runtime import Runtime
from tests.spine import Machine, tree
from tests.test_spine import work

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
VERSIONS = 4


@pytest.fixture
def history(forge: Forge, sealed: Path) -> Path:
    """A clone of ada/digits to push from, with a file of which there are several versions on `main`."""
    bare = forge.repositories["ada/digits"].path
    seed = sealed / "seed"
    git(sealed, "clone", "--quiet", str(bare), str(seed))
    for number in range(VERSIONS):
        write_version(seed, number)
    # GitHub tells a repository's size; this makes it a large one, and costs the disk nothing
    os.truncate(os.open(bare / "objects" / "pack" / "tmp_size", os.O_CREAT | os.O_WRONLY), LARGE)
    return seed


def write_version(seed: Path, number: int) -> None:
    (seed / "weights.txt").write_text(os.urandom(50_000).hex())
    (seed / "data").mkdir(exist_ok=True)
    for name in "ab":
        (seed / "data" / name).write_text(f"{name} of version {number}\n")
    git(seed, "add", "--all")
    git(seed, "commit", "--quiet", "--message", f"Version {number}")
    git(seed, "push", "--quiet")


WAYS = {
    "remote": ("--storage", "none", "--branches", "all"),
    "vault alone": ("--no-publish",),
    "both": (),
    "hidden": ("--storage", "none", "--branches", "all", "--branch", "hidden"),
}


@pytest.fixture(
    params=[pytest.param(way, marks=[pytest.mark.long] * (way in ("both", "hidden"))) for way in WAYS]
)
def machine(
    request: pytest.FixtureRequest, runtime: Runtime, git_server: GitServer, hub: Hub, history: Path
) -> Machine:
    runtime.extra |= {
        "GITHUB_TOKEN": ADA_TOKEN,
        "GITHUB_SERVER_URL": git_server.site,
        "GITSESSION_STORAGE": str(runtime.drive),
    }
    return Machine(runtime, "ada/digits", WAYS[request.param])


def is_whole(machine: Machine) -> bool:
    settings = machine.git("config", "--get-regexp", r"^remote\.origin\.(promisor|partial)", check=False)
    return not settings and not [*partial.missing(Repository(machine.worktree / ".git"), "--all")]


def test_older_contents_come_once_the_work_tree_stands(sealed: Path, forge: Forge, history: Path) -> None:
    clone = sealed / "clone"
    bare = str(forge.repositories["ada/digits"].path)
    address = replace(parse_address(bare), url=f"file://{bare}")  # of a plain path git links all there is
    bring.clone(address, clone, {}, None, contents=False)
    user = discover(clone)
    bring.check_out(user, None)
    assert tree(clone) == tree(history)
    assert len([*partial.missing(user.repository, "--all")]) >= VERSIONS - 1
    done: list[bool] = []
    completing = Completing(user, {}, lambda: done.append(True), Log(sealed / "log"))
    completing.start()
    assert eventually(lambda: bool(done))
    completing.stop(10)
    assert not [*partial.missing(user.repository, "--all")]
    assert not partial.is_to_be_completed(user.repository)
    assert git(clone, "show", "main~3:weights.txt") == git(history, "show", "main~3:weights.txt")


def test_a_large_repository_comes_back_as_it_was(machine: Machine, history: Path) -> None:
    machine.open()
    assert eventually(lambda: is_whole(machine))
    work(machine)
    machine.git("checkout", "main~3", "--", "data")
    machine.gitsession("flush", "--timeout", "60")
    files, shown = tree(machine.worktree), machine.shown()
    machine.lose()
    assert machine.open()["resumed"]
    assert tree(machine.worktree) == files
    assert machine.shown() == shown
    machine.lose()
    write_version(history, VERSIONS)
    assert machine.open()["resumed"]
    assert tree(machine.worktree) == files
    assert eventually(lambda: is_whole(machine))
    git(machine.worktree, "fsck", "--strict", "--connectivity-only")
    machine.gitsession("flush", "--timeout", "60")
    assert {each["level"] for each in machine.json("status")["replicas"]} <= {"stored", "safe"}
