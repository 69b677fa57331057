"""Updates: what changed elsewhere comes in, and no line of the user's goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rig.repositories import git
from tests.rig.runtime import Runtime
from tests.spine import Machine, tree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def publish(bare: Path, folder: Path, files: dict[str, str | None]) -> None:
    """Let somebody else push these files to main; None deletes one."""
    if not folder.exists():
        git(bare, "clone", "--quiet", str(bare), str(folder))
    for name, words in files.items():
        if words is None:
            git(folder, "rm", "--quiet", name)
        else:
            (folder / name).write_text(words)
            git(folder, "add", name)
    git(folder, "-c", "user.name=G", "-c", "user.email=g@example.org", "commit", "--quiet", "-m", "theirs")
    git(folder, "push", "--quiet", "origin", "HEAD:main")


def test_an_update_brings_in_what_is_new_and_keeps_every_line_of_the_users(
    runtime: Runtime, sample_repository: Path, sealed: Path
) -> None:
    lines = [f"line {number}\n" for number in range(9)]
    other = sealed / "other"
    publish(sample_repository, other, {"both.txt": "".join(lines), "clash.txt": "old\n", "gone.txt": "old\n"})
    machine = Machine(runtime, str(sample_repository), ("--storage", "none"))
    machine.open()
    work = machine.worktree
    (work / "both.txt").write_text("".join(["mine\n", *lines[1:]]))
    (work / "clash.txt").write_text("mine\n")
    (work / "gone.txt").unlink()
    (work / "own.txt").write_text("mine alone\n")
    machine.git("add", "own.txt")
    shown = (machine.git("rev-parse", "HEAD"), machine.git("ls-files", "--stage"))
    machine.gitsession("flush", "--timeout", "30", "--level", "local")
    before = tree(work)
    theirs = {"both.txt": "".join([*lines[:8], "theirs\n"]), "clash.txt": "theirs\n", "gone.txt": "new\n"}
    publish(sample_repository, other, {**theirs, "fresh.txt": "fresh\n", "train.py": None})
    done = json.loads(machine.gitsession("update", "--json").stdout)
    assert (work / "both.txt").read_text() == "".join(["mine\n", *lines[1:8], "theirs\n"])
    assert (work / "clash.txt").read_text() == "mine\n"
    assert (work / "clash.txt.from-main").read_text() == "theirs\n"
    assert (work / "gone.txt").read_text() == "new\n"
    assert (work / "fresh.txt").read_text() == "fresh\n"
    assert (work / "own.txt").read_text() == "mine alone\n"
    assert not (work / "train.py").exists()
    assert (done["beside"], done["back"]) == (["clash.txt.from-main"], ["gone.txt"])
    assert (machine.git("rev-parse", "HEAD"), machine.git("ls-files", "--stage")) == shown
    again = json.loads(machine.gitsession("update", "--json").stdout)
    assert again["changed"] == []
    machine.gitsession("restore", "--all", "--snapshot", str(done["before"]))
    assert tree(work) == before


def test_an_update_comes_from_any_remote_that_is_named(
    runtime: Runtime, sample_repository: Path, sealed: Path
) -> None:
    upstream, template = sealed / "upstream.git", sealed / "template.git"
    git(sealed, "clone", "--quiet", "--bare", str(sample_repository), str(upstream))
    publish(upstream, sealed / "theirs", {"from-upstream.txt": "upstream\n"})
    git(sealed, "init", "--quiet", "--bare", "--initial-branch=main", str(template))
    publish(template, sealed / "lesson", {"task.md": "Do this.\n", "train.py": "print('theirs')\n"})
    machine = Machine(runtime, str(sample_repository), ("--storage", "none"))
    machine.open()
    work = machine.worktree
    mine = (work / "train.py").read_text()
    machine.git("remote", "add", "upstream", str(upstream))
    machine.git("remote", "add", "template", str(template))

    done = json.loads(machine.gitsession("update", "upstream/main", "--json").stdout)
    assert done["changed"] == ["from-upstream.txt"]
    assert (work / "from-upstream.txt").read_text() == "upstream\n"
    done = json.loads(machine.gitsession("update", "template/main", "--json").stdout)
    assert (done["changed"], done["beside"]) == (["task.md"], ["train.py.from-main"]), "no history in common"
    assert (work / "train.py").read_text() == mine
    assert (work / "train.py.from-main").read_text() == "print('theirs')\n"
    machine.gitsession("restore", "--all", "--snapshot", str(done["before"]))
    assert (work / "from-upstream.txt").exists() and not (work / "task.md").exists()


def test_an_update_from_nowhere_is_a_clear_error(runtime: Runtime, sample_repository: Path) -> None:
    machine = Machine(runtime, str(sample_repository), ("--storage", "none"))
    machine.open()
    done = machine.gitsession("update", "no-such-branch", check=False)
    assert done.code == 1
    assert "no-such-branch" in done.stderr
    assert "Nothing was changed" in done.stderr
