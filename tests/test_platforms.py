"""What platforms impose: a saved version's run that nobody watches, no internet, and a machine that idles."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from gitsession.agent import control
from gitsession.agent.places import Places
from tests.rig.patience import eventually
from tests.rig.repositories import PROJECT, git
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
PATIENCE = 60.0
SHORTLY = 2.0


def session_refs(remote: Path) -> dict[str, str]:
    listed = git(remote, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    named = dict(line.split(" ") for line in listed)
    return {ref: oid for ref, oid in named.items() if "/session/" in ref or "/gitsession/" in ref}


def test_a_run_that_nobody_watches_has_a_session_of_its_own_and_takes_no_lease(
    runtime: Runtime, sample_repository: Path
) -> None:
    watched = Machine(runtime, str(sample_repository), ("--storage", "none"))
    watched.open("--session", "lesson")
    (watched.worktree / "mine.txt").write_text("by hand\n")
    watched.gitsession("flush", "--timeout", "60", "--level", "safe")
    before = session_refs(sample_repository)
    batch = Runtime(runtime.root.parent / "b", extra={"KAGGLE_KERNEL_RUN_TYPE": "Batch"})
    unwatched = Machine(batch, str(sample_repository))
    try:
        opened = unwatched.open()
        assert opened["session"] != "lesson" and opened["editor"] is None
        assert (unwatched.worktree / "mine.txt").read_text() == "by hand\n", "it starts from what was saved"
        (unwatched.worktree / "result.txt").write_text("by the run\n")
        unwatched.gitsession("flush", "--timeout", "60", "--level", "safe")
        assert git(sample_repository, "show", f"{opened['branch']}:result.txt") == "by the run"
        assert (
            unwatched.open("--session", "lesson", "--workdir", str(batch.work / "2"))["session"] != "lesson"
        )
    finally:
        batch.kill()
    assert before.items() <= session_refs(sample_repository).items(), "nothing of the other session moved"
    (watched.worktree / "more.txt").write_text("and on\n")
    watched.gitsession("flush", "--timeout", "60", "--level", "safe")
    assert watched.json("status")["session"] == "lesson"


def test_without_internet_kaggles_switch_is_named(runtime: Runtime) -> None:
    runtime.extra |= {"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}
    nowhere = Machine(runtime, "https://gitsession.invalid/ada/engine")
    options = ("--workdir", str(nowhere.worktree), "--editor", "none")
    refused = nowhere.gitsession("open", nowhere.repo, *options, check=False)
    assert refused.code == 1
    assert "Switch on 'Internet' in the notebook's settings" in refused.stderr


def impatient(place: Path) -> str:
    """An interpreter whose agent counts a machine as idle after a moment instead of an hour."""
    packages = place / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    packages.mkdir(parents=True)
    (place / "bin").mkdir()
    (place / "bin/python").symlink_to(sys.executable)
    (place / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    (packages / "real.pth").write_text("\n".join([str(PROJECT), *filter(None, sys.path)]))
    code = f"from gitsession.agent import decide\ndecide.IDLE_PATIENCE = {SHORTLY}\n"
    (packages / "sitecustomize.py").write_text(code)
    return str(place / "bin/python")


@pytest.mark.long
def test_colab_without_a_running_cell_is_told_of_until_one_runs(
    runtime: Runtime, sample_repository: Path, sealed: Path
) -> None:
    runtime.extra |= {"COLAB_RELEASE_TAG": "release-colab_20261101"}
    options = ("--storage", str(runtime.drive))
    machine = Machine(runtime, str(sample_repository), options, impatient(sealed / "python"))
    machine.open()

    def is_told() -> bool:
        return any("No cell has run for 60 minutes" in note for note in machine.json("status")["notes"])

    assert eventually(is_told), "from the start nobody ran a cell"
    activity(machine, running=True)
    assert eventually(lambda: not is_told())
    time.sleep(SHORTLY * 2)
    assert not is_told(), "a cell runs, however long"
    activity(machine, running=False)
    assert eventually(is_told), "it ended, and no other has begun"


def activity(machine: Machine, *, running: bool) -> None:
    """What the notebook's kernel says when a cell begins or has ended."""
    (directory,) = (machine.runtime.state / "sessions").iterdir()
    socket = Places(directory.name, machine.runtime.state).agent_socket
    control.ask(socket, "activity", timeout=PATIENCE, running=running, kernel=os.getpid())
