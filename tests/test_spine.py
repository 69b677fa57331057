"""Open, save, lose the machine, resume: from the command line, on real git and with real kills."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.rig import processes
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.spine import Machine, tree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def machine(runtime: Runtime, sample_repository: Path) -> Machine:
    """A machine with a bare repository on a path as the remote, and a vault on what stands for Drive."""
    return Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))


@pytest.fixture
def online(runtime: Runtime, git_server: GitServer, hub: Hub) -> Machine:
    """A machine whose remote is an authenticated https server, with its token in the environment."""
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    return Machine(runtime, "ada/digits", ("--storage", "none", "--branches", "all"))


def work(machine: Machine) -> None:
    """Everything that a person leaves behind: staged, unstaged, new, deleted, renamed, committed, stashed."""
    tree = machine.worktree
    (tree / "train.py").write_text("print('stashed')\n")
    machine.git("stash", "push", "--quiet", "--message", "an idea")
    (tree / "committed.txt").write_text("mine alone\n")
    machine.git("add", "committed.txt")
    machine.git("commit", "--quiet", "--message", "A commit that is not pushed")
    machine.git("checkout", "--quiet", "-b", "topic")
    (tree / "train.py").write_text("print('staged')\n")
    machine.git("add", "train.py")
    (tree / "train.py").write_text("print('staged, then changed')\n")
    (tree / "new dir").mkdir()
    (tree / "new dir" / "naïve name.txt").write_text("untracked\n")
    (tree / "empty").touch()
    (tree / "run.sh").write_text("#!/bin/sh\n")
    (tree / "run.sh").chmod(0o755)
    (tree / "link").symlink_to("no/such/place")
    (tree / "README.md").unlink()


def assert_same(machine: Machine, files: object, shown: object) -> None:
    assert tree(machine.worktree) == files
    assert machine.shown() == shown


def test_a_lost_machine_comes_back_as_it_was(machine: Machine) -> None:
    opened = machine.open()
    assert opened["resumed"] is False
    work(machine)
    machine.gitsession("flush", "--timeout", "30", "--level", "safe")
    files, shown = tree(machine.worktree), machine.shown()
    machine.lose()
    again = machine.open()
    assert again["resumed"] is True
    assert again["session"] == opened["session"]
    assert_same(machine, files, shown)


def test_what_the_clone_brought_does_not_come_again(online: Machine) -> None:
    online.open()
    (online.worktree / "weights.bin").write_bytes(os.urandom(1_000_000))
    online.gitsession("flush", "--timeout", "30", "--level", "safe")
    online.lose()
    online.open()
    theirs = {path.name for path in online.worktree.glob(".git/objects/pack/*.pack")}
    packs = [*online.runtime.root.rglob("shadow.git/objects/pack/*.pack")]
    assert sum(path.stat().st_size for path in packs if path.name in theirs) > 1_000_000
    assert sum(path.stat().st_size for path in packs if path.name not in theirs) < 100_000


def test_the_vault_alone_is_enough(machine: Machine, sample_repository: Path) -> None:
    machine.open()
    work(machine)
    machine.gitsession("flush", "--timeout", "30", "--level", "stored")
    files = tree(machine.worktree)
    machine.lose()
    sample_repository.rename(sample_repository.with_name("gone.git"))
    assert machine.open()["resumed"] is True
    assert tree(machine.worktree) == files


def test_the_remote_alone_is_enough(machine: Machine) -> None:
    machine.open("--branches", "all")
    work(machine)
    machine.gitsession("flush", "--timeout", "30", "--level", "safe")
    files, shown = tree(machine.worktree), machine.shown()
    machine.lose()
    shutil.rmtree(machine.runtime.drive)
    machine.runtime.drive.mkdir()
    assert machine.open()["resumed"] is True
    assert_same(machine, files, shown)


def test_over_https_with_a_token_that_nothing_writes_down(online: Machine) -> None:
    opened = online.open()
    assert opened["branch"] == "session/ada/" + opened["session"]
    work(online)
    online.gitsession("flush", "--timeout", "30", "--level", "safe")
    files, shown = tree(online.worktree), online.shown()
    online.lose()
    assert online.open()["resumed"] is True
    assert_same(online, files, shown)


def test_git_push_works_in_a_shell_that_took_the_environment(online: Machine) -> None:
    online.open()
    (online.worktree / "pushed.txt").write_text("by hand\n")
    online.git("add", "pushed.txt")
    online.git("commit", "--quiet", "--message", "By hand")
    script = 'eval "$(python3 -m gitsession env)" && unset GITHUB_TOKEN && git push --quiet origin main'
    online.runtime.run("sh", "-c", script, cwd=online.worktree)
    assert online.git("rev-parse", "origin/main") == online.git("rev-parse", "main")


def test_opening_twice_attaches_to_the_same_agent(machine: Machine) -> None:
    first = machine.open()
    pid = machine.json("status")["agent"]["pid"]
    second = machine.open()
    assert second == {**first, "resumed": True, "snapshot": second["snapshot"]}
    assert machine.json("status")["agent"]["pid"] == pid


def test_edits_made_after_the_agent_died_are_saved_first(machine: Machine) -> None:
    machine.open()
    machine.runtime.kill()
    (machine.worktree / "train.py").write_text("print('nobody watched')\n")
    files = tree(machine.worktree)
    assert machine.open()["resumed"] is True
    machine.gitsession("flush", "--timeout", "30", "--level", "safe")
    assert tree(machine.worktree) == files
    machine.lose()
    machine.open()
    assert tree(machine.worktree) == files


def test_adopting_the_clone_one_stands_in_touches_nothing(machine: Machine) -> None:
    machine.runtime.run("git", "clone", "--quiet", machine.repo, str(machine.worktree))
    work(machine)
    files, shown = tree(machine.worktree), machine.shown()
    done = machine.gitsession(
        "open", ".", "--editor", "none", "--json", *machine.options, cwd=machine.worktree
    )
    assert json.loads(done.stdout.splitlines()[-1])["worktree"] == str(machine.worktree)
    machine.gitsession("flush", "--timeout", "30", "--level", "safe")
    assert_same(machine, files, shown)
    machine.lose()
    machine.open()
    assert_same(machine, files, shown)


def test_close_ends_everything_and_leaves_the_files(machine: Machine) -> None:
    machine.open()
    hooks = machine.worktree / ".git" / "hooks"
    before = {path.name for path in hooks.iterdir()}
    work(machine)
    files = tree(machine.worktree)
    machine.gitsession("close")
    assert machine.runtime.processes() == []
    assert tree(machine.worktree) == files
    assert {path.name for path in hooks.iterdir()} <= before
    machine.lose()
    machine.open()
    assert tree(machine.worktree) == files


def test_an_empty_repository_can_be_opened_and_resumed(runtime: Runtime) -> None:
    bare = runtime.drive / "empty.git"
    runtime.run("git", "init", "--quiet", "--bare", str(bare))
    machine = Machine(runtime, str(bare), ("--storage", str(runtime.drive / "vault")))
    machine.open()
    (machine.worktree / "first.txt").write_text("first\n")
    machine.gitsession("flush", "--timeout", "30", "--level", "safe")
    machine.lose()
    assert machine.open()["resumed"] is True
    assert (machine.worktree / "first.txt").read_text() == "first\n"


def test_log_and_restore_bring_an_old_version_back(machine: Machine) -> None:
    machine.open()
    train = machine.worktree / "train.py"
    original = train.read_text()
    train.write_text("print('spoilt')\n")
    machine.gitsession("flush", "--timeout", "30", "--level", "local")
    numbers = [entry["number"] for entry in machine.json("log")]
    assert len(numbers) >= 2
    machine.gitsession("restore", "train.py", "--snapshot", str(numbers[-1]))
    assert train.read_text() == original
    machine.gitsession("flush", "--timeout", "30", "--level", "local")
    machine.gitsession("restore", "train.py", "--snapshot", str(machine.json("log")[1]["number"]))
    assert train.read_text() == "print('spoilt')\n"


def test_a_crashed_agent_is_restarted(machine: Machine) -> None:
    machine.open()
    pid = machine.json("status")["agent"]["pid"]
    processes.send(signal.SIGKILL, [pid])
    (machine.worktree / "after.txt").write_text("after the crash\n")
    done = machine.gitsession("flush", "--timeout", "30", "--level", "safe", check=False)
    if done.code:  # it may have been asked before the new agent listened
        machine.open()
        machine.gitsession("flush", "--timeout", "30", "--level", "safe")
    assert machine.json("status")["agent"]["pid"] != pid
    machine.lose()
    machine.open()
    assert (machine.worktree / "after.txt").exists()


@pytest.mark.parametrize(
    ("repo", "code", "words"),
    [
        ("--upload-pack=x", 2, "option"),
        ("ext::sh -c id", 2, "remote helper"),
        ("https://user:secret@github.com/a/b", 2, "token"),
        ("./nowhere", 1, "does not exist"),
        ("ada/engine\x1b[31m", 2, "control characters"),
    ],
)
def test_what_cannot_be_opened_is_a_clear_error(machine: Machine, repo: str, code: int, words: str) -> None:
    done = machine.gitsession("open", "--editor", "none", "--", repo, check=False)
    assert done.code == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_a_work_directory_that_holds_something_else_is_not_touched(machine: Machine) -> None:
    machine.worktree.mkdir()
    (machine.worktree / "theirs.txt").write_text("theirs\n")
    done = machine.gitsession("open", machine.repo, "--workdir", str(machine.worktree), check=False)
    assert done.code == 1
    assert "something else" in done.stderr
    assert tree(machine.worktree) == {"theirs.txt": ("file", b"theirs\n".hex())}


def test_commands_without_a_session_say_how_to_start_one(machine: Machine) -> None:
    done = machine.gitsession("status", check=False)
    assert done.code == 1
    assert "gitsession open" in done.stderr
