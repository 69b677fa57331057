"""Two machines and a bare remote, for states that travel; files of the work tree are copied as they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gitsession import git as door
from gitsession.model import SessionName
from gitsession.snapshot import state, trailers
from gitsession.snapshot.user import UserRepository, discover
from gitsession.snapshot.values import Head
from tests.rig.repositories import SHOWN, bare_repository, git

SESSION = SessionName("ada", "lesson-1")
LEASE = state.Lease("runtime-1", 1)
HISTORY = 4


def six(work_tree: Path) -> dict[str, str]:
    """What the six commands print that a resume must bring back."""
    return {" ".join(command): git(work_tree, *command) for command in SHOWN}


def agree(question: str) -> bool:
    return True


@dataclass
class Places:
    """An old machine with a clone and a shadow repository, its remote, and room for new machines."""

    root: Path
    remote: Path
    old: Path
    shadow: Path
    number: int = 0
    snapshot: str | None = None
    states: int = 0

    @classmethod
    def make(cls, root: Path) -> Places:
        """`main` has four commits of `a.txt`, `b.txt` and `sub/c.txt`; `old` is a clone of it."""
        remote = bare_repository(root / "remote.git")
        seed = root / "seed"
        seed.mkdir()
        git(seed, "init", "-q")
        for number in range(HISTORY):
            (seed / "sub").mkdir(exist_ok=True)
            for name in ("a.txt", "b.txt", "sub/c.txt"):
                (seed / name).write_text("".join(f"{name} {line}\n" for line in range(20 + number)))
            git(seed, "add", ".")
            git(seed, "commit", "-q", "-m", f"Commit {number}")
        git(seed, "push", "-q", str(remote), "main")
        git(root, "clone", "-q", str(remote), "old")
        return cls.around(root, remote, root / "old")

    @classmethod
    def around(cls, root: Path, remote: Path, old: Path) -> Places:
        shadow = bare_repository(root / "shadow.git")
        (shadow / "objects/info").mkdir(exist_ok=True)
        common = discover(old).common_dir
        (shadow / "objects/info/alternates").write_text(f"{common / 'objects'}\n")
        return cls(root, remote, old, shadow)

    @property
    def user(self) -> UserRepository:
        return discover(self.old)

    @property
    def into(self) -> door.Repository:
        return door.Repository(self.shadow)

    def take(self) -> str:
        """A snapshot of the old work tree: everything but what is ignored, as the engine's own."""
        env = {"GIT_INDEX_FILE": str(self.root / "snapshot.index"), "GIT_DIR": str(self.shadow)}
        env["GIT_WORK_TREE"] = str(self.old)
        git(self.old, "add", "-A", env=env)
        tree = git(self.old, "write-tree", env=env)
        self.number += 1
        told = trailers.SnapshotMessage(SESSION, self.number, "runtime-1", Head(None, None), subject="wip")
        parents = ["-p", self.snapshot] if self.snapshot else []
        message = trailers.message(told).decode()
        self.snapshot = git(self.shadow, "commit-tree", tree, *parents, "-m", message)
        return self.snapshot

    def capture(self, publish: str = "all", **options: object) -> state.Captured:
        given = {"previous": None, "lease": LEASE, "publish_branches": publish, **options}
        return state.capture(self.user, self.into, snapshot=self.snapshot or self.take(), **given)  # type: ignore[arg-type]

    def resume(
        self, captured: state.Captured, consent: Callable[[str], bool] = agree
    ) -> tuple[Path, state.Applied]:
        """Send a state through the remote, clone on a new machine, restore files, apply."""
        self.states += 1
        new, source = self.root / f"new{self.states}", self.root / f"source{self.states}.git"
        git(self.shadow, "push", "-q", "--force", str(self.remote), f"{captured.oid}:{SESSION.state_ref}")
        git(self.root, "clone", "-q", "--no-local", str(self.remote), str(new))
        bare_repository(source)
        git(source, "-c", "fetch.fsckObjects=true", "fetch", "-q", str(self.remote), SESSION.state_ref)
        carry(self.old, new)
        applied = state.apply(captured.oid, door.Repository(source), discover(new), consent=consent)
        return new, applied


def carry(old: Path, new: Path) -> None:
    """Make the files of a work tree equal to another's, with times of their own."""
    for path in new.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in old.iterdir():
        if path.name == ".git":
            continue
        if (path / ".git").exists():
            _carry_nested(old, path, new / path.name)
        elif path.is_dir() and not path.is_symlink():
            shutil.copytree(path, new / path.name, symlinks=True, copy_function=shutil.copy)
        else:
            shutil.copy(path, new / path.name, follow_symlinks=False)


def _carry_nested(old: Path, nested: Path, target: Path) -> None:
    """A submodule arrives as it does from a clone, not checked out; of any other repository the files do."""
    if git(old, "ls-files", "--stage", "--", nested.name).startswith("160000"):
        target.mkdir()
    else:
        shutil.copytree(nested, target, symlinks=True, ignore=shutil.ignore_patterns(".git"))


def everything_but_objects(git_dir: Path) -> dict[str, tuple[bytes, int]]:
    """Content and modification time of each file of a git directory outside its object store."""
    found = {}
    for where, folders, names in os.walk(git_dir):
        if Path(where) == git_dir:
            folders.remove("objects")
        for name in names:
            path = Path(where, name)
            found[str(path)] = (path.read_bytes(), path.stat().st_mtime_ns)
    return found
