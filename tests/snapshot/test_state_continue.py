"""What had stopped goes on in the new place, and other work trees and submodules keep their state."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.repositories import git, transcript
from tests.snapshot.places import Places, six


@pytest.fixture
def places(sealed: Path) -> Places:
    return Places.make(sealed)


STOPPED = """
    git checkout -q -b side HEAD~1
    echo side >> a.txt; git commit -qam "On the side"
    echo 2 > s.txt; git add s.txt; git commit -qm "Second"
    git {} || true
"""
GO_ON = """
    grep -v '^[<=>]' a.txt > clean; mv clean a.txt
    git add a.txt
    GIT_EDITOR=true git {} --continue
"""
OPERATIONS = {
    "rebase": "rebase main",
    "rebase, apply": "rebase --apply main",
    "rebase, labels": "rebase --rebase-merges main",
}


@pytest.mark.parametrize("command", OPERATIONS.values(), ids=list(OPERATIONS))
@pytest.mark.parametrize("publish", ["all", "head"])
def test_a_stopped_rebase_goes_on(places: Places, command: str, publish: str, fixed_dates: None) -> None:
    transcript(places.old, STOPPED.format(command))
    places.take()
    new, applied = places.resume(places.capture(publish))
    assert applied.operation in ("rebase-merge", "rebase-apply")
    for tree in (places.old, new):
        transcript(tree, GO_ON.format("rebase"))
    assert git(new, "log", "--format=%H %s", "-4") == git(places.old, "log", "--format=%H %s", "-4")
    assert git(new, "symbolic-ref", "HEAD") == "refs/heads/side"
    assert git(new, "status", "--porcelain") == ""


def test_stopped_cherry_picks_go_on_through_the_list(places: Places, fixed_dates: None) -> None:
    transcript(places.old, STOPPED.format("checkout -q main; git cherry-pick side~1 side"))
    places.take()
    new, applied = places.resume(places.capture())
    assert applied.operation == "sequencer"
    for tree in (places.old, new):
        transcript(tree, GO_ON.format("cherry-pick"))
    assert git(new, "log", "--format=%H", "-3") == git(places.old, "log", "--format=%H", "-3")


def test_a_merge_is_concluded_with_both_parents(places: Places, fixed_dates: None) -> None:
    transcript(places.old, STOPPED.format("merge main"))
    places.take()
    new, applied = places.resume(places.capture("head"))
    assert applied.operation == "merge"
    for tree in (places.old, new):
        transcript(tree, GO_ON.format("merge"))
    assert git(new, "rev-parse", "HEAD^2") == git(places.old, "rev-parse", "main")
    assert git(new, "rev-parse", "HEAD") == git(places.old, "rev-parse", "HEAD")


def test_a_bisection_goes_on_and_returns(places: Places) -> None:
    transcript(places.old, "git bisect start; git bisect bad; git bisect good HEAD~3")
    places.take()
    new, _ = places.resume(places.capture("head"))
    assert git(new, "bisect", "good") == git(places.old, "bisect", "good")
    git(new, "bisect", "reset")
    assert git(new, "symbolic-ref", "HEAD") == "refs/heads/main"


def test_a_stash_pops_with_its_index(places: Places) -> None:
    transcript(places.old, "echo 1 >> a.txt; git add a.txt; echo u > u.txt; git stash -q --include-untracked")
    places.take()
    new, _ = places.resume(places.capture("head"))
    git(new, "stash", "pop", "--index", "--quiet")
    assert git(new, "status", "--porcelain") == "M  a.txt\n?? u.txt"


def test_checkout_dash_goes_back(places: Places) -> None:
    transcript(places.old, "git checkout -q -b topic; git checkout -q -b other; git checkout -q topic")
    places.take()
    new, _ = places.resume(places.capture())
    git(new, "checkout", "-q", "-")
    assert git(new, "symbolic-ref", "HEAD") == "refs/heads/other"


def test_a_linked_work_tree_has_a_state_of_its_own(sealed: Path) -> None:
    main = Places.make(sealed)
    transcript(
        main.old,
        """
        echo main >> a.txt; git add a.txt; git worktree add -q ../linked -b linked HEAD~1
        cd ../linked; echo 1 >> b.txt; git add b.txt; git bisect start; git bisect bad; echo 2 >> b.txt
        """,
    )
    (main.shadow / "unused").touch()
    linked = Places(sealed, main.remote, sealed / "linked", main.shadow)
    linked.take()
    before = six(linked.old)
    new, _ = linked.resume(linked.capture())
    plain = {name: text.replace("+ main", "  main") for name, text in before.items()}
    plain["branch -vv"] = "\n".join(
        line.replace(f"({main.old}) ", "") for line in plain["branch -vv"].splitlines()
    )
    assert six(new) == plain


def test_a_submodule_is_named_with_the_commit_that_was_checked_out(places: Places) -> None:
    transcript(
        places.old,
        f"""
        git -c protocol.file.allow=always submodule --quiet add {places.remote} lib; git commit -qm lib
        git -C lib checkout -q HEAD~1
        """,
    )
    places.take()
    _, applied = places.resume(places.capture())
    assert applied.submodules == {"lib": git(places.old / "lib", "rev-parse", "HEAD")}


def test_times_come_back_and_lead_through_no_link(places: Places) -> None:
    outside = places.root / "outside"
    outside.mkdir()
    (outside / "c.txt").write_text("theirs")
    before = (outside / "c.txt").stat().st_mtime_ns
    transcript(places.old, f"ln -s {outside} away; touch 'a b%c'")
    times = {"a.txt": 10**18 + 7, "sub/c.txt": 10**18 + 8, "a b%c": 9, "away/c.txt": 5, "gone/x": 4}
    places.take()
    new, _ = places.resume(places.capture(mtimes=times))
    assert (new / "a.txt").stat().st_mtime_ns == 10**18 + 7
    assert (new / "sub/c.txt").stat().st_mtime_ns == 10**18 + 8
    assert (new / "a b%c").stat().st_mtime_ns == 9
    assert (outside / "c.txt").stat().st_mtime_ns == before
    assert (new / "away").readlink() == outside
