"""A session's life across machines and people: earlier lives, other people, pull requests, two runtimes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rig.forge import ADA_TOKEN, GRACE_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.patience import eventually
from tests.rig.repositories import git
from tests.rig.rulesets import Ruleset
from tests.rig.runtime import Runtime
from tests.spine import Machine, tree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def furnish(sealed: Path) -> Iterator[Callable[[str], Runtime]]:
    """Hand out machines by name; all are killed at the end."""
    machines: list[Runtime] = []

    def runtime(name: str) -> Runtime:
        machines.append(Runtime(sealed / name))
        return machines[-1]

    yield runtime
    for machine in machines:
        machine.kill()


def on_path(runtime: Runtime, repository: Path, storage: str | None = None) -> Machine:
    return Machine(runtime, str(repository), ("--storage", storage or str(runtime.drive)))


def online(runtime: Runtime, server: GitServer, token: str, repo: str = "ada/digits") -> Machine:
    runtime.extra |= {"GITHUB_TOKEN": token, "GITHUB_SERVER_URL": server.site}
    return Machine(runtime, repo, ("--storage", "none"))


def write(machine: Machine, name: str, words: str, level: str = "safe") -> None:
    (machine.worktree / name).write_text(words)
    machine.gitsession("flush", "--timeout", "30", "--level", level)


def branches(repository: Path) -> dict[str, str]:
    """The session branches of a bare repository, by name."""
    listed = git(repository, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/session/")
    return dict(line.split(" ") for line in listed.splitlines())


def shows(repository: Path, ref: str, path: str) -> str:
    return f"{git(repository, 'show', f'{ref}:{path}')}\n"


def test_snapshots_that_never_left_come_back_though_the_work_tree_is_gone(
    furnish: Callable[[str], Runtime], sample_repository: Path
) -> None:
    machine = on_path(furnish("m"), sample_repository)
    machine.open()
    write(machine, "shipped.txt", "everywhere\n")
    sample_repository.rename(sample_repository.with_name("away.git"))
    shutil.move(machine.runtime.drive, machine.runtime.root / "unplugged")
    write(machine, "alone.txt", "only here\n", level="local")
    (machine.worktree / "train.py").unlink()
    machine.gitsession("flush", "--timeout", "30", "--level", "local")
    files = tree(machine.worktree)
    machine.runtime.kill()
    shutil.rmtree(machine.worktree)
    sample_repository.with_name("away.git").rename(sample_repository)
    shutil.rmtree(machine.runtime.drive, ignore_errors=True)
    shutil.move(machine.runtime.root / "unplugged", machine.runtime.drive)
    assert machine.open()["resumed"] is True
    assert tree(machine.worktree) == files
    machine.gitsession("flush", "--timeout", "30", "--level", "safe")
    machine.lose()
    machine.open()
    assert tree(machine.worktree) == files


def test_a_life_that_went_apart_from_the_session_is_kept_as_a_branch(
    furnish: Callable[[str], Runtime], sample_repository: Path
) -> None:
    here, there = (on_path(furnish(name), sample_repository, "none") for name in "ab")
    here.open("--session", "lesson")
    write(here, "shared.txt", "from both\n")
    sample_repository.rename(sample_repository.with_name("away.git"))
    write(here, "here.txt", "only on this machine\n", level="local")
    here.runtime.kill()
    shutil.rmtree(here.worktree)
    sample_repository.with_name("away.git").rename(sample_repository)
    there.open("--session", "lesson")
    for number in range(3):
        write(there, "there.txt", f"{number}\n")
    there.gitsession("close")
    done = here.gitsession(
        "open", here.repo, "--workdir", str(here.worktree), "--editor", "none", *here.options
    )
    assert "lesson-fork-1" in done.stderr
    assert (here.worktree / "there.txt").read_text() == "2\n"
    (fork,) = (ref for ref in branches(sample_repository) if ref.endswith("lesson-fork-1"))
    assert shows(sample_repository, fork, "here.txt") == "only on this machine\n"
    here.gitsession("close")
    shutil.rmtree(here.worktree)
    here.open()
    assert not any(ref.endswith("fork-2") for ref in branches(sample_repository))


def test_a_clone_that_stands_is_adopted_as_a_new_session_and_the_other_one_is_named(
    furnish: Callable[[str], Runtime], sample_repository: Path
) -> None:
    machine = on_path(furnish("m"), sample_repository, "none")
    first = machine.open()
    write(machine, "mine.txt", "kept\n")
    machine.runtime.kill()
    shutil.rmtree(machine.runtime.state)
    (machine.worktree / "train.py").write_text("unsaved\n")
    files, before = tree(machine.worktree), branches(sample_repository)
    done = machine.gitsession(
        "open", ".", "--editor", "none", "--json", *machine.options, cwd=machine.worktree
    )
    opened = json.loads(done.stdout.splitlines()[-1])
    assert opened["session"] != first["session"]
    assert opened["resumed"] is False
    assert f"--session {first['session']}" in done.stderr
    assert tree(machine.worktree) == files
    machine.gitsession("flush", "--timeout", "30", "--level", "safe")
    assert before.items() <= branches(sample_repository).items()


def test_a_named_session_is_not_laid_over_a_clone_with_work_in_it(
    furnish: Callable[[str], Runtime], sample_repository: Path
) -> None:
    machine = on_path(furnish("m"), sample_repository, "none")
    machine.open("--session", "lesson")
    machine.gitsession("close")
    shutil.rmtree(machine.runtime.state)
    (machine.worktree / "train.py").write_text("unsaved\n")
    done = machine.gitsession(
        *("open", ".", "--session", "lesson", "--editor", "none"),
        *machine.options,
        cwd=machine.worktree,
        check=False,
    )
    assert done.code == 1
    assert "--workdir" in done.stderr
    assert (machine.worktree / "train.py").read_text() == "unsaved\n"


def ada_at_work_and_grace(
    furnish: Callable[[str], Runtime], git_server: GitServer
) -> tuple[Machine, Machine]:
    """Two who may push, on machines of their own; the first has the session `lesson`."""
    git_server.forge.repository().roles["grace"] = "write"
    ada, grace = online(furnish("a"), git_server, ADA_TOKEN), online(furnish("g"), git_server, GRACE_TOKEN)
    ada.open("--session", "lesson")
    write(ada, "notes.txt", "by ada\n")
    return ada, grace


def test_naming_another_persons_session_starts_ones_own_from_it(
    furnish: Callable[[str], Runtime], git_server: GitServer, hub: Hub
) -> None:
    ada, grace = ada_at_work_and_grace(furnish, git_server)
    bare = git_server.forge.repository().path
    before = branches(bare)
    assert grace.open()["resumed"] is False
    grace.lose()
    opened = grace.open("--session", "lesson")
    assert opened["branch"] == "session/grace/lesson"
    assert (grace.worktree / "notes.txt").read_text() == "by ada\n"
    write(grace, "notes.txt", "by grace\n")
    assert shows(bare, "refs/heads/session/grace/lesson", "notes.txt") == "by grace\n"
    assert before.items() <= branches(bare).items()
    assert not any("led by somebody else" in line for line in ada.json("status")["notes"])


def test_taking_over_makes_the_old_runtime_go_on_under_a_name_of_its_own(
    furnish: Callable[[str], Runtime], git_server: GitServer, hub: Hub
) -> None:
    ada, grace = ada_at_work_and_grace(furnish, git_server)
    opened = grace.open("--session", "lesson", "--take-over")
    assert opened["branch"] == "session/ada/lesson"
    assert eventually(lambda: ada.json("status")["session"] == "lesson-fork-1")
    assert any("led by somebody else" in line for line in ada.json("status")["notes"])
    write(ada, "notes.txt", "still by ada\n")
    write(grace, "notes.txt", "now by grace\n")
    bare = git_server.forge.repository().path
    assert shows(bare, "refs/heads/session/ada/lesson", "notes.txt") == "now by grace\n"
    assert shows(bare, "refs/heads/session/ada/lesson-fork-1", "notes.txt") == "still by ada\n"
    assert eventually(lambda: any("lesson-fork-1" in line for line in grace.json("status")["notes"]))


def test_a_forked_session_is_found_again_in_its_work_tree(
    furnish: Callable[[str], Runtime], sample_repository: Path
) -> None:
    machine = on_path(furnish("m"), sample_repository, "none")
    opened = machine.open("--session", "lesson")
    write(machine, "first.txt", "while it was there\n")
    git(sample_repository, "update-ref", "-d", f"refs/heads/{opened['branch']}")
    write(machine, "more.txt", "after the branch was deleted\n")
    assert machine.json("status")["session"] == "lesson-fork-1"
    assert f"refs/heads/{opened['branch']}" not in branches(sample_repository)
    machine.runtime.kill()
    again = machine.open()
    assert (again["session"], again["resumed"]) == ("lesson-fork-1", True)
    write(machine, "more.txt", "and on\n")
    assert list(branches(sample_repository)) == [f"refs/heads/{opened['branch']}-fork-1"]


def test_a_pull_requests_address_starts_from_its_head(
    furnish: Callable[[str], Runtime], git_server: GitServer, hub: Hub
) -> None:
    bare = git_server.forge.repository().path
    head = git(bare, "commit-tree", "main^{tree}", "-p", "main", "-m", "A proposal").strip()
    git(bare, "update-ref", "refs/pull/7/head", head)
    machine = online(furnish("m"), git_server, ADA_TOKEN, f"{git_server.site}/ada/digits/pull/7")
    opened = machine.open()
    assert opened["session"] == "pull-7"
    assert machine.git("rev-parse", "HEAD").strip() == head
    write(machine, "review.txt", "looked at\n")
    machine.lose()
    assert machine.open()["resumed"] is True
    assert (machine.worktree / "review.txt").exists()
    assert machine.git("rev-parse", "HEAD").strip() == head


def test_a_session_that_was_deleted_on_the_remote_is_not_brought_back_there(
    furnish: Callable[[str], Runtime], sample_repository: Path
) -> None:
    machine = on_path(furnish("m"), sample_repository)
    machine.open("--session", "lesson")
    write(machine, "notes.txt", "kept in the vault\n")
    machine.gitsession("close")
    machine.lose()
    for ref in ("refs/heads/session", "refs/gitsession"):
        for name in git(sample_repository, "for-each-ref", "--format=%(refname)", ref).split():
            git(sample_repository, "update-ref", "-d", name)
    done = machine.gitsession(
        "open", machine.repo, "--workdir", str(machine.worktree), "--editor", "none", *machine.options
    )
    assert "was deleted on the remote" in done.stderr and "lesson-fork-1" in done.stderr
    write(machine, "more.txt", "and on\n")
    (branch,) = branches(sample_repository)
    assert branch.endswith("/lesson-fork-1")
    assert shows(sample_repository, branch, "notes.txt") == "kept in the vault\n"


def test_a_session_whose_branch_a_rule_refuses_is_resumed_under_its_name(
    furnish: Callable[[str], Runtime], git_server: GitServer, hub: Hub
) -> None:
    git_server.rules.append(Ruleset(types=("creation",)))
    machine = online(furnish("m"), git_server, ADA_TOKEN)
    machine.open("--session", "lesson")
    write(machine, "notes.txt", "in the state ref\n")
    machine.lose()
    assert machine.open()["session"] == "lesson"
    write(machine, "notes.txt", "and on\n")
    assert machine.json("status")["session"] == "lesson"
    assert (machine.worktree / "notes.txt").exists()
