"""Random git operations by a user, then a resume elsewhere: the six commands print the same.

The operations may fail, as a user's do; what they leave behind is what is carried over.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.rig.repositories import git
from tests.snapshot.places import Places, everything_but_objects, six

ROUNDS = int(os.environ.get("GITSESSION_STATE_ROUNDS", "16"))
LENGTH = 12
OPERATIONS = (
    "echo $N >> a.txt",
    "echo $N >> sub/c.txt",
    "sed -i '1s/.*/first $N/;$ s/.*/last $N/' b.txt",
    "printf 'y\\nn\\ny\\n' | git add -p",
    "git add -A",
    "git add a.txt",
    "echo $N > new$N.txt",
    "echo $N > meant$N.txt; git add -N meant$N.txt",
    "rm -f b.txt",
    "git rm -q --cached a.txt",
    "git mv sub/c.txt moved$N.txt",
    "chmod +x a.txt; git add a.txt",
    "ln -sf a.txt link; git add link",
    "git commit -qam 'Commit $N'",
    "git commit -q --amend -m 'Amended $N'",
    "git reset -q --soft HEAD~1",
    "git reset -q HEAD",
    "git stash -q",
    "git stash push -q -u -m 'kept $N'",
    "git stash pop -q --index",
    "git branch b$N HEAD~1",
    "git checkout -q -b t$N",
    "git checkout -q -b u$N origin/main~2",
    "git checkout -q main",
    "git checkout -q -",
    "git checkout -q --detach HEAD~1",
    "git checkout -q --orphan o$N",
    "git branch -q -D $(git branch --format='%(refname:short)' | tail -n 1)",
    "git branch --set-upstream-to=main",
    "git branch --unset-upstream",
    "git merge -q $(git branch --format='%(refname:short)' | head -n 1)",
    "git merge -q $(git branch --format='%(refname:short)' | tail -n 1)",
    "git merge -q --no-commit --no-ff $(git branch --format='%(refname:short)' | tail -n 1)",
    "git rebase -q main",
    "git rebase -q --apply main",
    "git rebase -q --onto HEAD~2 HEAD~1",
    "git cherry-pick $(git branch --format='%(refname:short)' | tail -n 1)~1",
    "git revert --no-edit HEAD~1",
    "git rebase --continue",
    "git cherry-pick --abort",
    "git merge --abort",
    "git bisect start; git bisect bad; git bisect good HEAD~3",
    "git bisect good",
    "git bisect reset",
    "git tag v$N",
    "git tag -a -m 'tag $N' w$N",
    "git push -q origin HEAD",
    "git update-index --assume-unchanged sub/c.txt",
    "git update-index --skip-worktree b.txt",
    "git update-index --split-index",
    "git worktree add -q ../tree$N -b wt$N",
    "git -c protocol.file.allow=always submodule --quiet add $REMOTE lib$N",
    "git gc -q",
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_operations_survive_the_machine(sealed: Path, _template: Path, seed: int) -> None:
    places = _fresh(sealed, _template)
    done = _work(places, random.Random(seed))
    before = six(places.old)
    kept = _contents(places.old / ".git")
    places.take()
    captured = places.capture()
    assert _contents(places.old / ".git") == kept
    assert places.capture().oid == captured.oid, "the same state has the same name"
    new, applied = places.resume(captured)
    told = "\n".join(done)
    assert six(new) == _as_elsewhere(before, places), f"seed {seed}, after\n{told}"
    _continue_alike(places.old, new, applied.operation, told)


@pytest.fixture(scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template")


def _fresh(root: Path, template: Path) -> Places:
    """The same starting place for each seed, made once and copied."""
    if not (template / "remote.git").exists():
        with tempfile.TemporaryDirectory() as made:
            Places.make(Path(made))
            shutil.copytree(Path(made, "remote.git"), template / "remote.git")
    shutil.copytree(template / "remote.git", root / "remote.git")
    git(root, "clone", "-q", "remote.git", "old")
    git(root / "old", "remote", "set-url", "origin", str(root / "remote.git"))
    return Places.around(root, root / "remote.git", root / "old")


def _work(places: Places, choice: random.Random) -> list[str]:
    done = []
    for number in range(LENGTH):
        script = choice.choice(OPERATIONS).replace("$N", str(number))
        script = script.replace("$REMOTE", str(places.remote))
        ended = subprocess.run(
            ["sh", "-c", script],
            cwd=places.old,
            env={**os.environ, "GIT_EDITOR": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        done.append(f"{script}   # {ended.returncode}")
    return done


def _contents(git_dir: Path) -> dict[str, bytes]:
    return {name: content for name, (content, _) in everything_but_objects(git_dir).items()}


def _as_elsewhere(before: dict[str, str], places: Places) -> dict[str, str]:
    """Linked work trees stay on the old machine, so nothing there marks their branches."""
    lines = before["branch -vv"].splitlines()
    for number in range(LENGTH):
        lines = [line.replace(f"({places.root}/tree{number}) ", "") for line in lines]
    lines = [f"  {line[2:]}" if line.startswith("+ ") else line for line in lines]
    return {**before, "branch -vv": "\n".join(lines)}


def _continue_alike(old: Path, new: Path, operation: str | None, told: str) -> None:
    """Concluding what had stopped has the same outcome in both places."""
    verbs = {
        "rebase-merge": "rebase",
        "rebase-apply": "rebase",
        "merge": "merge",
        "cherry-pick": "cherry-pick",
    }
    verb = verbs.get(operation or "")
    if verb is None:
        return
    dates = {
        "GIT_COMMITTER_DATE": "2024-03-05 12:00:00 +0000",
        "GIT_AUTHOR_DATE": "2024-03-05 12:00:00 +0000",
    }
    for tree in (old, new):
        subprocess.run(
            ["sh", "-c", f"git add -A; GIT_EDITOR=true git {verb} --continue"],
            cwd=tree,
            env={**os.environ, **dates},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert git(new, "status", "--porcelain=v2") == git(old, "status", "--porcelain=v2"), told
    assert git(new, "log", "--format=%T %s", "-5") == git(old, "log", "--format=%T %s", "-5"), told
