"""`gitsession demo`: what it tells did happen, and nothing of it runs on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.test_running import HEEDING
from tests.rig.patience import eventually
from tests.rig.runtime import Finished, Runtime

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def play(runtime: Runtime, *options: str) -> Finished:
    return runtime.run(sys.executable, "-m", "gitsession", "demo", *options, timeout=200)


def git(runtime: Runtime, directory: Path, *words: str) -> str:
    return runtime.run("git", "-C", str(directory), *words).stdout


def test_the_story_happens_as_it_is_told_and_can_be_played_again(runtime: Runtime) -> None:
    (runtime.home / ".gitconfig").unlink()
    told = play(runtime).stdout
    stage = runtime.work / "sample"
    remote, tree = stage / "remote/leaves.git", stage / "leaves"
    assert re.findall(r"^(\d)\. ", told, re.MULTILINE) == ["1", "2", "3", "4", "5"]
    branch = re.search(r"all safe · .*, as (\S+) on the remote", told)
    assert branch, told
    assert "drag of a wet leaf" in git(runtime, remote, "show", f"{branch[1]}:notes.md")
    assert "default=0.08" in git(runtime, remote, "show", f"{branch[1]}:train.py")
    resumed = git(runtime, tree, "status", "--short")
    assert resumed == " M notebooks/results.ipynb\nM  train.py\n?? notes.md\n"
    assert all(f"\n{line}\n" in told for line in resumed.splitlines())
    assert "drag = 1.19" in git(runtime, remote, "diff", "main", branch[1].replace("session/", "review/"))
    assert runtime.processes() == []

    again = play(runtime, "--json", "--keep-running")
    (document,) = map(json.loads, again.stdout.splitlines())
    assert document["branch"] == branch[1]
    assert git(runtime, tree, "status", "--short") == resumed
    assert runtime.processes()
    at_home = {"GITSESSION_HOME": str(stage / "state")}
    runtime.run(sys.executable, "-m", "gitsession", "close", env=at_home)
    assert eventually(lambda: runtime.processes() == [])


def test_its_pages_show_the_work_and_need_no_network(runtime: Runtime) -> None:
    told = play(runtime).stdout
    report, card = (Path(path) for path in re.findall(r"^   what a .*:  (.*)$", told, re.MULTILINE))
    for page, words in (
        (report, ("train.py", "results.ipynb", "drag = 1.19", "0.00072", "0.00069", "notes.md")),
        (card, ("all safe", "data-gitsession-card", "leaves.git")),
    ):
        shown = page.read_text()
        assert [word for word in words if word not in shown] == []
        assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//|@import""", shown)


@pytest.mark.long
@pytest.mark.parametrize("step", ["1. Open", "2. Edit", "3. Lose", "4. Open", "5. Hand"])
def test_ctrl_c_leaves_nothing_running_and_says_so(runtime: Runtime, step: str) -> None:
    out, errors = runtime.root / "told", runtime.root / "errors"
    with out.open("wb") as told, errors.open("wb") as said:
        argv = (sys.executable, "-c", HEEDING, "demo")
        process = runtime.start(*argv, stdout=told, stderr=said, stdin=subprocess.DEVNULL)
    assert eventually(lambda: step in out.read_text(), pause=0.01)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(150) == 130
    assert "nothing of the demo runs any more" in errors.read_text()
    assert runtime.processes() == []
    play(runtime)
