"""What a capture costs, what it leaves out, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitsession import git as door
from gitsession.errors import GitError
from gitsession.model import Held, Level
from gitsession.snapshot import state
from gitsession.snapshot.values import Head
from tests.rig.repositories import bare_repository, git, transcript
from tests.snapshot.places import LEASE, SESSION, Places


@pytest.fixture
def places(sealed: Path) -> Places:
    return Places.make(sealed)


def test_a_state_says_who_what_and_where(places: Places) -> None:
    held = Held("big.bin", "too large", 60_000_000, "a" * 40, "b" * 64, Level.STORED)
    git(places.old, "branch", "other")
    snapshot = places.take()
    captured = places.capture(held=[held])
    told = state.read(places.into, captured.oid)
    assert (told.session, told.number, told.snapshot) == (SESSION, 1, snapshot)
    assert (told.lease, told.held, told.complete) == (LEASE, (held,), True)
    assert told.head == Head("refs/heads/main", None)
    assert told.branches == dict.fromkeys(("main", "other"), git(places.old, "rev-parse", "main"))
    assert git(places.shadow, "rev-parse", f"{captured.oid}^1") == snapshot


def test_the_same_state_has_the_same_name_with_and_without_what_is_remembered(places: Places) -> None:
    transcript(places.old, "echo x >> a.txt; git stash -q; git tag -am t t")
    places.take()
    first = places.capture(mtimes={"a.txt": 5})
    again = places.capture(previous=first.oid)
    for memory in places.shadow.glob("gitsession-state-*"):
        memory.unlink()
    assert {first, again} == {first}
    assert places.capture(previous=first.oid) == first


def test_an_unchanged_git_state_is_not_read_again(places: Places) -> None:
    places.take()
    first = places.capture()
    (places.old / "new.txt").write_text("new\n")
    snapshot = places.take()
    assert state.fingerprint(places.user) == first.fingerprint
    user, lease = places.user, state.Lease("runtime-1", 2)
    with reading_fails(places):
        second = state.capture(
            user, places.into, snapshot=snapshot, previous=first.oid, lease=lease, publish_branches="all"
        )
    assert second.tips == first.tips
    assert state.read(places.into, second.oid).lease.counter == 2


@contextmanager
def reading_fails(places: Places) -> Iterator[None]:
    """Any git command in the user's repository fails, while its files' metadata stays as it was."""
    objects, hidden = places.old / ".git/objects", places.old / ".git/hidden"
    (places.shadow / "objects/info/alternates").write_text(f"{hidden}\n")
    objects.rename(hidden)
    yield
    hidden.rename(objects)


CHANGES = (
    "git add .",
    "git branch other",
    "git tag light",
    "git stash -q",
    "git checkout -q -b topic",
    "git commit -qam x",
    "git config branch.main.rebase true",
    "git pack-refs --all",
    "git bisect start",
    "git merge -q --no-commit --no-ff side",
    "git update-index --assume-unchanged b.txt",
    "git sparse-checkout set sub",
)


@pytest.mark.parametrize("script", CHANGES)
def test_the_fingerprint_sees_every_change(places: Places, script: str) -> None:
    transcript(
        places.old,
        "git checkout -q -b side; git commit -q --allow-empty -m s; git checkout -q main; echo x >> a.txt",
    )
    before = state.fingerprint(places.user)
    assert state.fingerprint(places.user) == before
    transcript(places.old, script)
    assert state.fingerprint(places.user) != before


def test_only_the_branch_at_work_and_published_ones_go_to_the_remote(places: Places) -> None:
    transcript(
        places.old,
        """
        git branch published HEAD; git checkout -q -b private; git commit -q --allow-empty -m secret
        git tag mine; git checkout -q main; git commit -q --allow-empty -m local; git tag ours
        """,
    )
    places.take()
    told = state.read(places.into, places.capture("head").oid)
    assert set(told.refs) == {
        "refs/heads/main",
        "refs/heads/published",
        "refs/remotes/origin/main",
        "refs/tags/ours",
    }
    reachable = git(places.shadow, "rev-list", told.oid).split()
    assert git(places.old, "rev-parse", "private") not in reachable
    assert git(places.old, "rev-parse", "main") in reachable


def test_tags_that_the_remote_has_are_not_recorded(places: Places) -> None:
    transcript(places.old, "git tag theirs; git tag mine")
    known = {"refs/tags/theirs": git(places.old, "rev-parse", "theirs")}
    places.take()
    told = state.read(places.into, places.capture(known_tags=known).oid)
    assert [name for name in told.refs if name.startswith("refs/tags/")] == ["refs/tags/mine"]


def test_what_may_not_leave_is_left_out_and_named(places: Places) -> None:
    transcript(
        places.old,
        """
        git branch clean; git checkout -q -b topic origin/main
        echo SECRET > key; git add key; git commit -qm "Add a key"
        echo x >> a.txt; git add a.txt; git stash -q; git rm -q key; git commit -qm "Remove it"
        echo SECRET > staged; echo SECRET > b.txt; git add staged b.txt
        """,
    )
    secret = git(places.old, "hash-object", "staged")
    (places.old / "staged").unlink()
    git(places.old, "restore", "--worktree", "--source=origin/main", "b.txt")
    snapshot = places.take()
    captured = places.capture("head", without=[secret])
    assert {"refs/heads/topic", "stash@{0}", "staged", "b.txt"} <= set(captured.left_out)
    listed = git(places.shadow, "rev-list", "--objects", captured.oid, f"^{snapshot}")
    assert secret not in listed
    assert state.read(places.into, captured.oid).left_out == captured.left_out
    new, applied = places.resume(captured)
    assert applied.left_out == captured.left_out
    assert git(new, "symbolic-ref", "HEAD") == "refs/heads/topic"
    assert git(new, "rev-parse", "HEAD") == git(new, "rev-parse", "origin/main")


def test_an_object_that_is_not_linked_yet_is_an_error_and_no_torn_state(places: Places) -> None:
    places.take()
    (places.shadow / "objects/info/alternates").unlink()
    with pytest.raises(GitError):
        places.capture()


def test_a_repository_without_a_commit(sealed: Path) -> None:
    remote = bare_repository(sealed / "remote.git")
    transcript(
        sealed / "empty", f"git init -q -b start; git remote add origin {remote}; echo x > x; git add x"
    )
    places = Places.around(sealed, remote, sealed / "empty")
    places.take()
    told = state.read(places.into, places.capture().oid)
    assert (told.head, told.branches) == (Head("refs/heads/start", None), {})
    before = git(places.old, "status", "--porcelain=v2", "--branch")
    new, _ = places.resume(places.capture())
    assert git(new, "status", "--porcelain=v2", "--branch") == before


def test_a_state_is_read_from_where_nothing_else_is(places: Places) -> None:
    places.take()
    captured = places.capture()
    new, _ = places.resume(captured)
    assert state.read(door.Repository(places.root / "source1.git"), captured.oid).snapshot == places.snapshot
    assert git(new, "cat-file", "--batch-check", "--batch-all-objects").find(captured.oid) < 0
