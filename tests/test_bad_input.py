"""What people get wrong and what the world refuses: a clear error or a stated loss, and nothing lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.rig.disk import NEEDS_ROOT, small_disk
from tests.rig.forge import ADA_TOKEN, GRACE_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.spine import Machine, tree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def online(runtime: Runtime, git_server: GitServer, hub: Hub) -> Machine:
    """A machine in front of the rig's GitHub, with a token that may do everything."""
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    return Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))


@pytest.fixture
def machine(runtime: Runtime, sample_repository: Path) -> Machine:
    return Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))


def refused(machine: Machine, repo: str, *more: str) -> tuple[int, str]:
    """The exit code and the words of an `open` that cannot succeed; it leaves no work tree behind."""
    place = machine.runtime.work / "nothing"
    done = machine.gitsession(
        "open", repo, "--workdir", str(place), "--editor", "none", *machine.options, *more, check=False
    )
    assert "Traceback" not in done.stderr
    assert not place.exists()
    return done.code, done.stderr


def test_somebody_elses_session_that_is_nowhere_is_not_begun_as_ones_own(
    machine: Machine, sample_repository: Path
) -> None:
    clone = machine.runtime.work / "clone"
    machine.runtime.run("git", "clone", "--quiet", str(sample_repository), str(clone))
    words = ("open", str(clone), "--editor", "none", *machine.options, "--session", "grace/lesson")
    done = machine.gitsession(*words, check=False)
    assert done.code == 1
    assert "There is no session grace/lesson." in done.stderr
    assert machine.gitsession("status", check=False).code == 1


@pytest.mark.parametrize("place", ["file/tree", "/proc/tree"])
def test_a_work_tree_where_none_can_be_made_is_said_before_anything_is_fetched(
    machine: Machine, place: str
) -> None:
    (machine.runtime.work / "file").write_text("mine\n")
    words = ("open", machine.repo, "--workdir", str(machine.runtime.work / place), "--editor", "none")
    done = machine.gitsession(*words, *machine.options, check=False)
    assert done.code == 1
    assert f"{place} cannot be made: " in done.stderr and "--workdir" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("place", ["/proc/state", "/dev/null", "/dev/null/state"])
def test_local_state_that_cannot_be_kept_is_said(machine: Machine, place: str) -> None:
    machine.runtime.extra["GITSESSION_HOME"] = place
    for words in (("open", machine.repo, "--workdir", str(machine.worktree)), ("prune", machine.repo)):
        done = machine.gitsession(*words, *machine.options, check=False)
        assert done.code == 1
        assert f"Local state cannot be kept in {place}" in done.stderr and "GITSESSION_HOME" in done.stderr
        assert "Traceback" not in done.stderr
    assert not machine.worktree.exists()


@pytest.mark.root
@NEEDS_ROOT
@pytest.mark.parametrize("full", ["home", "work"])
def test_nothing_is_begun_on_a_full_disk(machine: Machine, full: str) -> None:
    small = machine.runtime.root / "small"
    place = machine.worktree
    if full == "home":
        machine.runtime.extra["GITSESSION_HOME"] = str(small / "state")
    else:
        place = small / "tree"
    with small_disk(small, "size=1m"):
        done = machine.gitsession(
            "open", machine.repo, "--workdir", str(place), "--editor", "none", *machine.options, check=False
        )
        assert not place.exists()
    assert done.code == 1
    assert f"The disk of {small}" in done.stderr and "is full" in done.stderr


@pytest.mark.root
@NEEDS_ROOT
def test_a_repository_of_another_user_is_said_with_git_s_way_to_trust_it(
    machine: Machine, sample_repository: Path
) -> None:
    clone = machine.runtime.work / "their clone"
    machine.runtime.run("git", "clone", "--quiet", str(sample_repository), str(clone))
    for theirs in (clone, clone / ".git", sample_repository):
        os.chown(theirs, 65534, 65534)
    for place in (clone, sample_repository):
        words = ("open", str(place), "--editor", "none", *machine.options)
        done = machine.gitsession(*words, check=False)
        assert done.code == 1
        assert f"{place} belongs to another user of this machine" in done.stderr
        trust = next(line for line in done.stderr.splitlines() if "safe.directory" in line)
        machine.runtime.run("sh", "-c", trust.partition(": ")[2])
        assert machine.gitsession(*words, check=False, cwd=machine.runtime.work).code == 0


def test_a_clone_that_git_cannot_read_is_not_to_be_made_anew_over(
    machine: Machine, sample_repository: Path
) -> None:
    clone = machine.runtime.work / "clone"
    machine.runtime.run("git", "clone", "--quiet", str(sample_repository), str(clone))
    (clone / ".git" / "HEAD").write_text("torn")
    done = machine.gitsession("open", str(clone), "--editor", "none", *machine.options, check=False)
    assert done.code == 1
    assert f"The repository of {clone} cannot be read: " in done.stderr
    assert "git init" not in done.stderr


def test_a_damaged_repository_of_this_machine_is_no_matter_of_the_network(
    machine: Machine, sample_repository: Path
) -> None:
    for pack in (sample_repository / "objects").rglob("*"):
        if pack.is_file():
            pack.chmod(0o600)
            pack.write_bytes(b"")
    code, words = refused(machine, machine.repo)
    assert code == 1
    assert "cannot be cloned: " in words and "git fsck" in words
    assert "network" not in words


def test_an_unknown_repository_is_said_and_how_to_make_one(online: Machine) -> None:
    code, words = refused(online, "ada/none")
    assert code == 1
    assert "no repository ada/none" in words or "There is no repository" in words
    assert "--create" in words


def test_create_makes_a_private_repository(online: Machine, git_server: GitServer) -> None:
    made = Machine(online.runtime, "ada/fresh", online.options)
    made.open("--create")
    (made.worktree / "first.txt").write_text("first\n")
    made.gitsession("flush", "--timeout", "30", "--level", "safe")
    assert git_server.forge.repositories["ada/fresh"].private
    made.lose()
    assert made.open()["resumed"] is True
    assert (made.worktree / "first.txt").read_text() == "first\n"


def test_a_wrong_token_is_said_and_not_repeated(online: Machine) -> None:
    online.runtime.extra["GITHUB_TOKEN"] = "ghp_" + "wrong" * 8
    code, words = refused(online, "ada/digits")
    assert code == 4
    assert "token" in words
    assert "wrongwrong" not in words


def test_without_a_token_a_private_repository_is_refused_and_a_public_one_is_kept_in_the_vault(
    online: Machine, git_server: GitServer
) -> None:
    del online.runtime.extra["GITHUB_TOKEN"]
    code, words = refused(online, "ada/digits")
    assert code in (1, 4)
    assert "token" in words
    git_server.forge.repositories["ada/digits"].private = False
    online.open()
    (online.worktree / "new.txt").write_text("new\n")
    online.gitsession("flush", "--timeout", "30", "--level", "stored")
    assert [replica["name"] for replica in online.json("status")["replicas"]] == ["vault"]
    assert not git_server.pushes()


def test_who_may_only_read_works_on_a_fork(online: Machine, git_server: GitServer) -> None:
    online.runtime.extra["GITHUB_TOKEN"] = GRACE_TOKEN
    online.open()
    (online.worktree / "new.txt").write_text("new\n")
    online.gitsession("flush", "--timeout", "30", "--level", "safe")
    assert not git_server.pushes("ada/digits")
    fork = git_server.forge.repositories["grace/digits"]
    assert [ref for ref in fork.refs("refs/heads/session/") if ref.startswith("refs/heads/session/grace/")]


def test_a_public_repository_is_called_public_at_open(online: Machine, git_server: GitServer) -> None:
    git_server.forge.repositories["ada/digits"].private = False
    done = online.gitsession(
        "open", "ada/digits", "--workdir", str(online.worktree), "--editor", "none", *online.options
    )
    assert "public within seconds" in done.stderr


def test_a_detached_head_is_opened_and_resumed(machine: Machine) -> None:
    machine.runtime.run("git", "clone", "--quiet", machine.repo, str(machine.worktree))
    machine.git("checkout", "--quiet", "--detach", "HEAD~1")
    machine.gitsession("open", ".", "--editor", "none", *machine.options, cwd=machine.worktree)
    (machine.worktree / "new.txt").write_text("new\n")
    machine.gitsession("flush", "--timeout", "30", "--level", "safe")
    files, head = tree(machine.worktree), machine.git("rev-parse", "HEAD")
    machine.lose()
    machine.open()
    assert tree(machine.worktree) == files
    assert machine.git("rev-parse", "HEAD") == head
    assert machine.git("symbolic-ref", "--quiet", "HEAD", check=False) == ""


def test_a_vault_that_cannot_be_written_stops_nothing_else(machine: Machine) -> None:
    blocked = machine.runtime.drive / "blocked"
    blocked.write_text("a file where the vault's folder should be\n")
    poor = Machine(machine.runtime, machine.repo, ("--storage", str(blocked)))
    poor.open()
    (poor.worktree / "new.txt").write_text("new\n")
    poor.gitsession("flush", "--timeout", "30", "--level", "safe")
    replicas = {replica["name"]: replica for replica in poor.json("status")["replicas"]}
    assert replicas["remote"]["level"] == "safe"
    assert replicas["vault"]["error"]
