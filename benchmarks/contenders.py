"""Ways to save a changed work tree, each as a function that prepares one and answers with its `save`.

Those of git and its libraries sync nothing; ours and the physical limits are synced. The limit reads, hashes,
deflates (stores, over 256 KB) and writes the changed files, the touched trees and a commit with one synced
write into blocks that exist, all else prepared.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gitsession.model import Identity, SessionName
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.take import Head, Snapshots
from gitsession.snapshot.user import discover

WHO = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b"}
ENVIRONMENT = {**os.environ, **WHO, "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
STORED_ABOVE = 256 << 10
OURS = "ours, synced"
LIMITS = ("physical limit in C", "physical limit in Python")
SYNCED = frozenset({OURS, *LIMITS})

Save = Callable[[list[str]], object]  # a float that it answers with is its own count of milliseconds


@dataclass
class Place:
    """A repository of generated files, with a session on it."""

    work: Path
    files: list[str]
    shadow: Shadow
    snapshots: Snapshots
    chance: random.Random
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def git(self, *command: str, **variables: str) -> str:
        return git(self.work, *command, **variables)

    def change(self, count: int = 1) -> list[str]:
        """Append a line to some files; their paths come back."""
        chosen = self.chance.sample(self.files, count)
        for path in chosen:
            with (self.work / path).open("a") as file:
                file.write(f"# {self.chance.random()}\n")
        return chosen

    @property
    def head(self) -> Head:
        return Head("refs/heads/main", self.git("rev-parse", "HEAD"))

    def touched_trees(self, changed: list[str]) -> list[int]:
        """The sizes in bytes of the trees that a change of these files rewrites, the root last."""
        directories = {parent for path in changed for parent in Path(path).parents}
        deepest_first = sorted(directories, key=lambda directory: -len(directory.parts))
        return [40 * len(list((self.work / directory).iterdir())) for directory in deepest_first]


def git(work: Path, *command: str, **variables: str) -> str:
    done = subprocess.run(
        ["git", *command],
        cwd=work,
        env={**ENVIRONMENT, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def grow(work: Path, count: int, chance: random.Random) -> list[str]:
    """Commit so many source files of 2 to 8 KB in a tree of packages, packed as a clone has them."""
    text = "".join(f"value_{line} = {chance.random()}\n" for line in range(50_000)).encode()
    files = [f"src/pkg{n // 500}/mod{n // 20 % 25}/file{n}.py" for n in range(count)]
    importing = subprocess.Popen(
        ["git", "fast-import", "--quiet", "--depth=0"], cwd=work, stdin=subprocess.PIPE, env=ENVIRONMENT
    )
    if importing.stdin is None:
        raise RuntimeError("git fast-import has no pipe")
    with importing.stdin as stream:
        stream.write(b"commit refs/heads/main\ncommitter a <a@b> 1700000000 +0000\ndata 5\nstart\n")
        stream.write(b"M 644 inline .gitignore\ndata 19\n*.log\n__pycache__/\n\n")
        for number, path in enumerate(files):
            start = chance.randrange(len(text) - 8000)
            content = b"# %d\n" % number + text[start : start + chance.randrange(2000, 8000)] + b"\n"
            stream.write(b"M 644 inline %s\ndata %d\n" % (path.encode(), len(content)) + content + b"\n")
    if importing.wait():
        raise RuntimeError("git fast-import failed")
    git(work, "reset", "--quiet", "--hard", "main")
    return files


@contextmanager
def place(count: int) -> Iterator[Place]:
    chance = random.Random(count)
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as folder:
        work = Path(folder) / "work"
        work.mkdir()
        git(work, "init", "-q", "-b", "main")
        git(work, "config", "gc.auto", "0")  # no contender is to pay for packing what another left
        files = grow(work, count, chance)
        user = discover(work)
        with Shadow.open(Path(folder) / "state/shadow.git", user) as shadow:
            snapshots = Snapshots(
                shadow, user, session=SessionName("ada", "x"), runtime="r", identity=Identity("Ada", "a@b")
            )
            made = Place(work, files, shadow, snapshots, chance)
            snapshots.take(None, head=made.head)
            yield made
            snapshots.close()
            for process in made.processes:
                process.communicate()


def gitwatch(at: Place) -> Save:
    def save(_: list[str]) -> None:
        at.git("status", "-s")
        at.git("add", "--all", ".")
        at.git("commit", "-qm", "save")

    return save


def add_and_commit(at: Place) -> Save:
    def save(_: list[str]) -> None:
        at.git("add", "--all")
        at.git("commit", "-qm", "save")

    return save


def plumbing(at: Place) -> Save:
    """Git plumbing with a private index: four processes."""
    index = str(at.work.parent / "private-index")
    at.git("read-tree", "HEAD", GIT_INDEX_FILE=index)
    at.git("update-index", "-q", "--refresh", GIT_INDEX_FILE=index)

    def save(changed: list[str]) -> None:
        at.git("update-index", "--", *changed, GIT_INDEX_FILE=index)
        tree = at.git("write-tree", GIT_INDEX_FILE=index)
        at.git("update-ref", "refs/private/tip", at.git("commit-tree", tree, "-m", "save"))

    return save


def dura(at: Place) -> Save:
    """As dura does it: libgit2's index with every path added, a tree, a commit on a branch of its own."""
    import pygit2

    repository = pygit2.Repository(str(at.work))
    who = pygit2.Signature("a", "a@b")

    def save(_: list[str]) -> None:
        index = repository.index
        index.add_all(["*"])
        tree = index.write_tree()
        tip = repository.references.get("refs/heads/dura/main")
        parents = [repository.head.target if tip is None else tip.target]
        repository.create_commit("refs/heads/dura/main", who, who, "save", tree, parents)

    return save


def gitpython(at: Place) -> Save:
    """GitPython's `IndexFile`, a private one."""
    from git import Actor, Commit, IndexFile, Repo

    repository, who = Repo(at.work), Actor("a", "a@b")
    path = at.work.parent / "gitpython-index"
    shutil.copy(at.work / ".git/index", path)
    index = IndexFile(repository, str(path))

    def save(changed: list[str]) -> None:
        index.add(changed)
        Commit.create_from_tree(repository, index.write_tree(), "save", head=False, author=who, committer=who)

    return save


def ours(at: Place) -> Save:
    head = at.head
    return lambda changed: at.snapshots.take(changed, head=head)


def limit_in_python(at: Place) -> Save:
    fd = os.open(at.work.parent / "limit", os.O_RDWR | os.O_CREAT)
    os.pwrite(fd, bytes(64 << 20), 0)
    os.fsync(fd)
    raw, position, parts = random.Random(1).randbytes(1 << 20), 0, [b""]

    def put(kind: bytes, content: bytes) -> bytes:
        oid = hashlib.sha1(b"%s %d\0" % (kind, len(content)) + content, usedforsecurity=False).digest()
        parts.append(oid + zlib.compress(content, 0 if len(content) > STORED_ABOVE else 1))
        return oid

    def save(changed: list[str]) -> float:
        nonlocal position
        sizes, began = at.touched_trees(changed), time.perf_counter()
        parts.clear()
        for path in changed:
            oid = put(b"blob", (at.work / path).read_bytes())
        for size in sizes:
            oid = put(b"tree", raw[:size] + oid)
        put(b"commit", b"tree %s\nauthor a <a@b> 1 +0000\n\nsave" % oid.hex().encode())
        record = b"".join(parts)
        os.pwrite(fd, record, position)
        os.fdatasync(fd)
        position = (position + len(record)) % (8 << 20)
        return (time.perf_counter() - began) * 1000

    return save


def limit_in_c(at: Place) -> Save:
    """The same loop in C, which times itself."""
    program = at.work.parent / "limit-in-c"
    source = Path(__file__).with_name("limit.c")
    compiler = ["cc", "-O2", "-Wno-deprecated-declarations", "-o", str(program), str(source)]
    subprocess.run([*compiler, "-lcrypto", "-lz"], check=True)
    running = subprocess.Popen(
        [str(program), str(at.work.parent / "limit-c")],
        cwd=at.work,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    at.processes.append(running)

    def save(changed: list[str]) -> float:
        if running.stdin is None or running.stdout is None:
            raise RuntimeError("the limit has no pipes")
        running.stdin.write("\t".join([*changed, *(f"={size}" for size in at.touched_trees(changed))]) + "\n")
        running.stdin.flush()
        return float(running.stdout.readline())

    return save


CONTENDERS: dict[str, Callable[[Place], Save]] = {
    "gitwatch's way": gitwatch,
    "git add --all + commit": add_and_commit,
    "dura's way": dura,
    "plumbing, private index": plumbing,
    "GitPython's IndexFile": gitpython,
    OURS: ours,
    "physical limit in Python": limit_in_python,
    **({"physical limit in C": limit_in_c} if shutil.which("cc") else {}),
}
