"""What one save costs: ours, what people do by hand, and the physical limit, in one run on one disk.

Contenders: the way of gitwatch (`git status`, `git add --all`, `git commit`); `git add --all`, `git commit`;
git plumbing with a private index (four processes); ours, synced; and the limit: read, hash, deflate and write
one blob, its trees and a commit with one synced write, all else prepared. Git's own ways sync nothing.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Report, arguments
from gitsession.model import Identity, SessionName
from gitsession.snapshot.restore import restore
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.take import Head, Snapshots
from gitsession.snapshot.user import discover

MANY = 100
WHO = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b"}
ENVIRONMENT = {**os.environ, **WHO, "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


@dataclass
class Place:
    """A repository of generated files, with a session on it."""

    work: Path
    files: list[str]
    shadow: Shadow
    snapshots: Snapshots
    chance: random.Random

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
    """Write so many source files of 2 to 8 KB into a tree of packages."""
    files = []
    for number in range(count):
        path = f"src/pkg{number // 500}/mod{number // 20 % 25}/file{number}.py"
        lines = chance.randrange(50, 200)
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text("".join(f"value_{line} = {chance.random()}\n" for line in range(lines)))
        files.append(path)
    return files


@contextmanager
def place(count: int) -> Iterator[Place]:
    chance = random.Random(count)
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as folder:
        work = Path(folder) / "work"
        work.mkdir()
        git(work, "init", "-q", "-b", "main")
        files = grow(work, count, chance)
        (work / ".gitignore").write_text("*.log\n__pycache__/\n")
        git(work, "add", "-A")
        git(work, "commit", "-qm", "start")
        user = discover(work)
        with Shadow.open(Path(folder) / "state/shadow.git", user) as shadow:
            snapshots = Snapshots(
                shadow, user, session=SessionName("ada", "x"), runtime="r", identity=Identity("Ada", "a@b")
            )
            made = Place(work, files, shadow, snapshots, chance)
            snapshots.take(None, head=made.head)
            yield made
            snapshots.close()


def measured(at: Place, runs: int, count: int, save: Callable[[list[str]], object]) -> list[float]:
    """Milliseconds of saving so many changed files, each time."""
    samples = []
    for _ in range(runs + 1):
        changed = at.change(count)
        began = time.perf_counter()
        save(changed)
        samples.append((time.perf_counter() - began) * 1000)
    return samples[1:]


def gitwatch(at: Place) -> Callable[[list[str]], object]:
    def save(_: list[str]) -> None:
        at.git("status", "-s")
        at.git("add", "--all", ".")
        at.git("commit", "-qm", "save")

    return save


def add_and_commit(at: Place) -> Callable[[list[str]], object]:
    def save(_: list[str]) -> None:
        at.git("add", "--all")
        at.git("commit", "-qm", "save")

    return save


def plumbing(at: Place) -> Callable[[list[str]], object]:
    """Git plumbing with a private index: four processes."""
    index = str(at.work.parent / "private-index")
    at.git("read-tree", "HEAD", GIT_INDEX_FILE=index)
    at.git("update-index", "-q", "--refresh", GIT_INDEX_FILE=index)

    def save(changed: list[str]) -> None:
        at.git("update-index", "--", *changed, GIT_INDEX_FILE=index)
        tree = at.git("write-tree", GIT_INDEX_FILE=index)
        at.git("update-ref", "refs/private/tip", at.git("commit-tree", tree, "-m", "save"))

    return save


def ours(at: Place) -> Callable[[list[str]], object]:
    head = at.head
    return lambda changed: at.snapshots.take(changed, head=head)


def limit(at: Place) -> Callable[[list[str]], object]:
    """Read, hash, deflate and durably write a blob, its trees and a commit in the tightest loop."""
    sizes = [len(list((at.work / path).iterdir())) for path in ("", "src", "src/pkg0", "src/pkg0/mod0")]
    trees_raw = [random.Random(size).randbytes(size * 40) for size in sizes]
    fd = os.open(at.work.parent / "limit", os.O_RDWR | os.O_CREAT)
    os.pwrite(fd, bytes(1 << 22), 0)
    os.fsync(fd)
    position = 0

    def put(kind: bytes, content: bytes) -> bytes:
        oid = hashlib.sha1(b"%s %d\0" % (kind, len(content)) + content, usedforsecurity=False).digest()
        parts.append(oid + zlib.compress(content, 1))
        return oid

    parts: list[bytes] = []

    def save(changed: list[str]) -> None:
        nonlocal position
        parts.clear()
        for path in changed:
            oid = put(b"blob", (at.work / path).read_bytes())
        for raw in trees_raw:
            oid = put(b"tree", raw[:-20] + oid)
        put(b"commit", b"tree %s\nauthor a <a@b> 1 +0000\n\nsave" % oid.hex().encode())
        record = b"".join(parts)
        os.pwrite(fd, record, position)
        os.fdatasync(fd)
        position = (position + len(record)) % (1 << 21)

    return save


SYNCED = frozenset({"ours, synced", "physical limit, synced"})
CONTENDERS: dict[str, Callable[[Place], Callable[[list[str]], object]]] = {
    "gitwatch's way": gitwatch,
    "git add --all + commit": add_and_commit,
    "plumbing, private index": plumbing,
    "ours, synced": ours,
    "physical limit, synced": limit,
}


def interleaved(at: Place, names: Iterable[str], rounds: int, count: int) -> dict[str, list[float]]:
    """Samples of contenders that take turns, so that a busy machine slows all of them alike."""
    saves = {name: CONTENDERS[name](at) for name in names}
    samples: dict[str, list[float]] = {name: [] for name in saves}
    for _ in range(rounds):
        for name, save in saves.items():
            if name not in SYNCED:
                at.git("add", "--all")  # what the others changed is not this one's work
                samples[name] += measured(at, 1, count, save)
            else:
                samples[name] += measured(at, 5, count, save)
    return samples


def changed_files(report: Report, at: Place, count: int, rounds: int, changed: int) -> None:
    names = [name for name in CONTENDERS if changed <= MANY or name != "plumbing, private index"]
    for name, samples in interleaved(at, names, rounds, changed).items():
        report.add(f"{changed:,} of {count:,} files: {name}", "ms", samples)
    at.snapshots.take(None, head=at.head)


def notebook(report: Report, at: Place, runs: int) -> None:
    """A 5 MB notebook with one changed cell, against reading and hashing it."""
    path = at.work / "big.ipynb"
    content = at.chance.randbytes(2_500_000).hex().encode()
    save = ours(at)
    ours_took: list[float] = []
    hashing: list[float] = []
    for number in range(runs):
        path.write_bytes(content[:1000] + b"%09d" % number + content[1009:])
        began = time.perf_counter()
        hashlib.sha1(path.read_bytes(), usedforsecurity=False).digest()
        between = time.perf_counter()
        save(["big.ipynb"])
        hashing.append((between - began) * 1000)
        ours_took.append((time.perf_counter() - between) * 1000)
        at.shadow.settle()
    report.add("5 MB notebook: read and hash", "ms", hashing)
    report.add("5 MB notebook: ours, synced", "ms", ours_took, target=5 * sorted(hashing)[len(hashing) // 2])


def sweeping(report: Report, at: Place, count: int, runs: int) -> None:
    samples = measured(at, runs, 1, lambda _: at.snapshots.take(None, head=at.head))
    report.add(f"a sweep over {count:,} files", "ms", samples)


def restoring(report: Report, at: Place, count: int, runs: int) -> None:
    samples = []
    for _ in range(runs):
        before = at.shadow.tip()
        at.snapshots.take(at.change(10), head=at.head)
        after = at.shadow.tip()
        at.shadow.settle()
        if before is None or after is None:
            raise RuntimeError("there is no snapshot")
        began = time.perf_counter()
        restore(at.shadow.repository, before.commit, at.work, base=after.commit, settings=at.shadow.settings)
        samples.append((time.perf_counter() - began) * 1000)
        at.snapshots.take(None, head=at.head)
    report.add(f"restoring 10 of {count:,} files", "ms", samples, target=25)


def main() -> None:
    chosen = arguments(__doc__)
    runs = 30 if chosen.quick else 100
    report = Report("One save")
    for count in (1_000, 10_000) if chosen.quick else (1_000, 10_000, 100_000):
        with place(count) as at:
            changed_files(report, at, count, max(3, runs // 10), 1)
            sweeping(report, at, count, 5)
            restoring(report, at, count, 5)
            if count == 1_000:
                notebook(report, at, runs // 5)
            if count == 10_000:
                changed_files(report, at, count, 5, MANY)
            if count == 10_000 and not chosen.quick:
                changed_files(report, at, count, 2, count)
    report.show(as_json=chosen.json)


if __name__ == "__main__":
    main()
