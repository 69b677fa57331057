"""A user's repository with a session on it, and git's own answer to compare with."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gitsession.model import Identity, SessionName
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.take import Head, Limits, Snapshots, Taken
from gitsession.snapshot.user import discover

SESSION = SessionName("ada", "lesson-1")
ADA = Identity("Ada", "ada@example.org")
_STAT = 40


@dataclass
class Scene:
    """One work tree, its shadow repository and what takes the snapshots."""

    root: Path
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.work = self.root / "w"
        self.state = self.root / "state"

    def git(self, *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        """Run the user's git and answer with what it printed."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.work,
            env={**os.environ, **(env or {})},
            capture_output=True,
            check=True,
        )
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def write(self, path: str, content: str | bytes = "") -> Path:
        place = self.work / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    def commit(self, message: str = "more") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    @property
    def head(self) -> Head:
        ref = subprocess.run(
            ["git", "symbolic-ref", "-q", "HEAD"], cwd=self.work, capture_output=True, check=False
        )
        oid = subprocess.run(
            ["git", "rev-parse", "-q", "--verify", "HEAD"], cwd=self.work, capture_output=True, check=False
        )
        return Head(ref.stdout.decode().strip() or None, oid.stdout.decode().strip() or None)

    def open(self) -> None:
        self.user = discover(self.work)
        self.shadow = Shadow.open(self.state / "shadow.git", self.user)
        self.snapshots = Snapshots(
            self.shadow,
            self.user,
            session=SESSION,
            runtime="r1",
            identity=ADA,
            limits=self.limits,
        )

    def close(self) -> None:
        self.snapshots.close()
        self.shadow.close()

    def take(self, *paths: str) -> Taken | None:
        """Take a snapshot of these paths, or of everything where none is given."""
        return self.snapshots.take(paths or None, head=self.head)

    @property
    def _in_shadow(self) -> dict[str, str]:
        return {"GIT_DIR": str(self.shadow.directory)}

    @property
    def tree(self) -> str:
        tip = self.shadow.tip()
        return tip.tree if tip else ""

    def listed(self) -> dict[str, str]:
        """The newest snapshot's paths, each with mode and object id, as git lists them."""
        self.shadow.settle()
        listed = self.git("ls-tree", "-r", "-z", self.tree, env=self._in_shadow)
        pairs = (line.split("\t", 1) for line in listed.split("\0") if line)
        return {path: about for about, path in pairs}

    def content(self, path: str) -> str:
        self.shadow.settle()
        return self.git("cat-file", "blob", f"{self.tree}:{path}", env=self._in_shadow)

    def by_git(self, *excluded: str) -> str:
        """The tree that `git add --all` records in a copy of the index without stat data, objects apart."""
        place = self.root / "by-git"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        self._copy_index(place / "index")
        env: dict[str, str] = {
            "GIT_INDEX_FILE": str(place / "index"),
            "GIT_OBJECT_DIRECTORY": str(place),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.user.objects),
        }
        left_out = [f":(exclude,literal){path}" for path in excluded]
        self.git("-c", "advice.addEmbeddedRepo=false", "add", "--all", "--", ":/", *left_out, env=env)
        return self.git("write-tree", env=env)

    def _copy_index(self, target: Path) -> None:
        """Copy the index with its stat data cleared, as a person would by hand: bytes of version 2 or 3."""
        source = self.user.git_dir / "index"
        if source.exists():
            shutil.copyfile(source, target)
            self.git(
                "update-index",
                "--index-version=2",
                "--no-split-index",  # a shared part would keep its stat data
                "--force-write-index",
                env={"GIT_INDEX_FILE": str(target)},
            )
            target.write_bytes(without_stat(target.read_bytes()))

    def fsck(self) -> str:
        """What `git fsck --strict` finds wrong in the shadow repository; empty when all is well."""
        self.shadow.settle()
        done = subprocess.run(
            ["git", "--git-dir", self.shadow.directory, "fsck", "--strict", "--full", "--no-dangling"],
            capture_output=True,
            text=True,
            check=False,
        )
        problems = [line for line in done.stderr.splitlines() if not line.startswith("notice: ")]
        return "\n".join([*problems, *done.stdout.splitlines()])


def without_stat(content: bytes) -> bytes:
    """An index whose entries say nothing of the files' stat data, so that git reads every file."""
    body = bytearray(content[:-20])
    count = int.from_bytes(body[8:12], "big")
    start = 12
    for _ in range(count):
        flags = int.from_bytes(body[start + 60 : start + 62], "big")
        name = start + (64 if flags & 0x4000 else 62)
        for offset in (*range(24), *range(28, _STAT)):
            body[start + offset] = 0
        start += (body.index(0, name) - start + 8) & ~7
    return bytes(body) + hashlib.sha1(bytes(body)).digest()


@contextmanager
def scene(root: Path, prepare: Callable[[Scene], None] | None = None, **options: Limits) -> Iterator[Scene]:
    """A scene on a fresh repository, prepared and opened."""
    made = Scene(root, **options)
    made.work.mkdir(parents=True)
    made.git("init", "-q", "-b", "main")
    if prepare is not None:
        prepare(made)
    made.open()
    try:
        yield made
    finally:
        made.close()
