"""A state that travelled to another machine prints there what it printed here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.repositories import git, transcript
from tests.snapshot.places import Places, everything_but_objects, six


@pytest.fixture
def places(sealed: Path) -> Places:
    return Places.make(sealed)


SITUATIONS = {
    "clean": "true",
    "edited, untracked, deleted": "echo x >> a.txt; echo n > new.txt; rm b.txt",
    "partly staged": "sed -i '1s/.*/first/;20s/.*/last/' a.txt; printf 'n\\ny\\n' | git add -p a.txt",
    "staged and edited again": "echo 1 >> a.txt; git add a.txt; echo 2 >> a.txt; git rm -q --cached b.txt",
    "unpushed commits": """
        echo x >> a.txt; git commit -qam local; echo y >> a.txt; git commit -q --amend -am amended""",
    "branches": """
        git branch other HEAD~1; git checkout -q -b topic --track origin/main
        git commit -q --allow-empty -m t""",
    "renamed default branch": """
        git branch -m main trunk; git branch --unset-upstream; git commit -q --allow-empty -m t""",
    "local upstream": "git checkout -q -b topic --track main; git commit -q --allow-empty -m t",
    "stash": "echo 1 >> a.txt; git stash -q; echo 2 >> b.txt; git stash push -q -m 'second one'",
    "detached": "git checkout -q HEAD~2; echo x >> a.txt; git commit -qam detached",
    "orphan": "git checkout -q --orphan fresh; git rm -rqf --cached .; echo z > z.txt; git add z.txt",
    "intent to add": "echo i > i.txt; git add -N i.txt; echo j > j.txt; git add -N j.txt; rm j.txt",
    "flags": """
        git update-index --assume-unchanged a.txt; git update-index --skip-worktree b.txt; echo x >> b.txt""",
    "mode and link": "chmod +x a.txt; git add a.txt; ln -s a.txt link; git add link; ln -s nowhere dangling",
    "merge conflict": """
        git checkout -q -b side HEAD~1; echo side >> a.txt; git commit -qam side
        git checkout -q main; echo main >> a.txt; git commit -qam main; git merge -q side || true""",
    "cherry-pick conflict": """
        git checkout -q -b side HEAD~1; echo side >> a.txt; git commit -qam side
        echo 2 >> a.txt; git commit -qam two; git checkout -q main
        echo main >> a.txt; git commit -qam main; git cherry-pick side~1 side || true""",
    "revert conflict": "echo x >> a.txt; git commit -qam x; git revert --no-edit HEAD~2 || true",
    "bisect": "git bisect start; git bisect bad; git bisect good HEAD~3",
    "rebase stopped": """
        git checkout -q -b side HEAD~1; echo side >> a.txt; git commit -qam side
        echo 2 > s.txt; git add s.txt; git commit -qm two; git rebase main || true""",
    "rebase --apply stopped": """
        git checkout -q -b side HEAD~1; echo side >> a.txt; git commit -qam side
        echo 2 > s.txt; git add s.txt; git commit -qm two; git rebase --apply main || true""",
    "odd names": r"""
        set +x; printf x > "$(printf 'new\nline')"; printf x > "$(printf 'b\377yte')"; printf y > '-dash "q"'
        git add -- -dash* b*
        git branch 'üml/aut'""",
    "sparse": "git sparse-checkout set --cone sub; echo x >> sub/c.txt",
    "sparse index": """
        mkdir d e; echo d > d/d; echo e > e/e; git add .; git commit -qm dirs
        git sparse-checkout set --cone --sparse-index sub d; echo x >> sub/c.txt; git add sub""",
    "split index": "git update-index --split-index; echo x >> a.txt; git add a.txt",
    "index version 4": """
        git update-index --index-version 4; echo x >> a.txt; git add a.txt; echo i > i; git add -N i""",
    "worktree config": """
        git config extensions.worktreeConfig true; git sparse-checkout set --no-cone '/sub/' '/a.txt'""",
    "tags": """
        git tag light HEAD~1; git tag -a -m 'Annotated' heavy; git commit -q --allow-empty -m t
        git tag -am x ahead""",
}


@pytest.mark.parametrize("script", SITUATIONS.values(), ids=list(SITUATIONS))
def test_the_six_commands_print_the_same_in_a_new_place(places: Places, script: str) -> None:
    transcript(places.old, script)
    before = six(places.old)
    kept = everything_but_objects(places.old / ".git")
    places.take()
    captured = places.capture()
    assert everything_but_objects(places.old / ".git") == kept
    new, _ = places.resume(captured)
    assert six(new) == before
    assert git(new, "tag", "-n") == git(places.old, "tag", "-n")
    assert git(new, "ls-files", "-s", "-v") == git(places.old, "ls-files", "-s", "-v")
    git(new, "fsck", "--strict", "--no-dangling", "--connectivity-only")


@pytest.mark.parametrize("name", [name for name in SITUATIONS if name not in ("branches", "local upstream")])
def test_what_the_remote_gets_is_enough_for_the_branch_at_work(places: Places, name: str) -> None:
    transcript(places.old, SITUATIONS[name])
    places.take()
    new, _ = places.resume(places.capture("head"))
    for command, printed in six(places.old).items():
        if "branch" not in command or "status" in command:
            assert git(new, *command.split()) == printed or command == "log --oneline --branches"
