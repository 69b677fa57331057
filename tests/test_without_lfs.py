"""Git LFS on a machine without git-lfs: it is said wherever a pointer stands for a content."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

import pytest

from gitsession.snapshot import lfs
from tests.rig.forge import ADA_TOKEN, Forge
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import IDENTITY, Runtime
from tests.spine import Machine
from tests.test_review_lfs import RULE
from tests.test_review_session import commit_to_base, machine_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
WEIGHTS = os.urandom(300_000)
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
POINTER = lfs.pointer(SHA256, len(WEIGHTS))
FILTER = """\
[filter "lfs"]
\tprocess = git-lfs filter-process
\tsmudge = git-lfs smudge -- %f
\tclean = git-lfs clean -- %f
\trequired = true
"""
NO_FILTER = """\
[filter "lfs"]
\tprocess =
\tsmudge =
\tclean =
\trequired = false
"""


@pytest.fixture
def without(runtime: Runtime, git_server: GitServer, hub: Hub, forge: Forge, sealed: Path) -> Machine:
    """A machine whose PATH has everything but git-lfs; the base has a file of Git LFS."""
    commit_to_base(forge, {".gitattributes": RULE, "model.bin": POINTER})
    forge.repository().large[SHA256] = WEIGHTS
    folders = os.environ["PATH"].split(os.pathsep)
    runtime.extra["PATH"] = os.pathsep.join(_without_git_lfs(Path(each), sealed) for each in folders)
    return machine_of(runtime, git_server, ADA_TOKEN)


def _without_git_lfs(folder: Path, sealed: Path) -> str:
    if not (folder / "git-lfs").exists():
        return str(folder)
    programs = sealed / "-".join(folder.parts[1:])
    programs.mkdir(exist_ok=True)
    for program in folder.iterdir():
        if program.name != "git-lfs":
            (programs / program.name).symlink_to(program)
    return str(programs)


def opened(machine: Machine, *more: str) -> str:
    """What `open` says."""
    where = ("--workdir", str(machine.worktree), "--editor", "none")
    return machine.gitsession("open", machine.repo, *where, *machine.options, *more).stderr


@pytest.mark.parametrize("git_knows_of_it", [pytest.param(False, marks=pytest.mark.long), True])
def test_pointers_are_named_when_opened_and_when_resumed(without: Machine, git_knows_of_it: bool) -> None:
    """Also where git's settings name its filter and no program of the name is there: `git clone` fails so."""
    settings = without.runtime.home / ".gitconfig"
    if git_knows_of_it:
        with settings.open("a") as file:
            file.write(FILTER)
    said = opened(without, "--session", "lesson")
    assert "Only the Git LFS pointers are there of model.bin: git-lfs is not installed." in said
    assert (without.worktree / "model.bin").read_bytes() == POINTER
    (without.worktree / "train.py").write_text("print('better')\n")
    without.gitsession("flush", "--timeout", "60", "--level", "safe")

    without.lose()
    settings.write_text(settings.read_text() + (FILTER if git_knows_of_it else ""))
    said = opened(without)
    assert said.count("Only the Git LFS pointers are there of model.bin: git-lfs is not installed.") == 1
    assert "was not restored" not in said
    assert (without.worktree / "model.bin").read_bytes() == POINTER
    assert (without.worktree / "train.py").read_text() == "print('better')\n"
    assert without.json("status")["held"] == []


def test_work_in_progress_is_in_the_vault_and_left_out_of_the_review(without: Machine, forge: Forge) -> None:
    session = without.open()["session"]
    (without.worktree / "new.bin").write_bytes(WEIGHTS[::-1])
    (without.worktree / "train.py").write_text("print('better')\n")
    without.gitsession("flush", "--timeout", "60", "--level", "stored")
    status = without.json("status")
    (held,) = status["held"]
    assert (held["path"], held["reason"], held["level"]) == ("new.bin", lfs.HELD, "stored")
    assert any("git-lfs is not installed here" in note for note in status["notes"])
    result = without.json("review")
    assert any("new.bin is not in the review" in note and "git-lfs" in note for note in result["notes"])
    hosted = forge.repository()
    assert "train.py" in hosted.git("diff", "--name-only", "main", f"review/ada/{session}").split()
    assert "new.bin" not in hosted.git("ls-tree", "-r", "--name-only", f"review/ada/{session}")
    assert list(hosted.large) == [SHA256]

    without.lose()
    without.open()
    assert (without.worktree / "new.bin").read_bytes() == WEIGHTS[::-1]


@pytest.mark.long
@pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed here")
def test_with_git_lfs_the_one_line_to_run_is_named(
    runtime: Runtime, git_server: GitServer, hub: Hub, forge: Forge
) -> None:
    """Where git-lfs is installed and its filter is not: git checks out pointers and says nothing."""
    commit_to_base(forge, {".gitattributes": RULE, "model.bin": POINTER})
    forge.repository().large[SHA256] = WEIGHTS
    settings = runtime.home / ".gitconfig"
    settings.write_text(f"{IDENTITY}{NO_FILTER}")  # whatever the system's are
    machine = machine_of(runtime, git_server, ADA_TOKEN)
    said = opened(machine)
    (command,) = re.findall(r"Only the Git LFS pointers are there of model.bin: `([^`]+)`", said)
    settings.write_text(IDENTITY)
    given = machine.gitsession("env").stdout
    machine.runtime.run("sh", "-c", f"{given}\n{command}", cwd=machine.worktree)
    assert (machine.worktree / "model.bin").read_bytes() == WEIGHTS
    machine.gitsession("flush", "--timeout", "60", "--level", "safe")
    assert machine.json("status")["held"] == []
