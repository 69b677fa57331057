"""Coming back: a session whose vault lies on a mount that behaves like Drive, on a machine that has nothing.

Beside it, in the same run, what people do today: a plain `git clone` on local disk, which is the yardstick,
and a `git clone` placed on the mount itself, of a smaller repository, since it takes that long.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.report import Report, arguments
from tests.rig.drive import Drive
from tests.rig.repositories import git
from tests.rig.runtime import Runtime
from tests.spine import Machine, tree

FILES, FEWER = 10_000, 2_000
CHANGED = 50
PER_FOLDER = 100
ALLOWED_FACTOR, ALLOWED_MORE = 1.5, 2.0


def main() -> None:
    given = arguments(__doc__)
    files, runs = (FEWER, 2) if given.quick else (FILES, 3)
    on_mount = FEWER // 10 if given.quick else FEWER
    report = Report(f"resume: seconds until the work tree of {files} files stands again")
    with tempfile.TemporaryDirectory(prefix="gs-", dir="/tmp") as name, Drive(Path(name) / "d") as drive:
        folder = Path(name)
        bare = repository(folder, files)
        cloned = report.add(
            "git clone, local to local", "s", [clone(bare, folder / "c") for _ in range(runs)]
        )
        target = ALLOWED_FACTOR * cloned.median + ALLOWED_MORE
        resumed, wrong = resume(folder, bare, drive, files, runs)
        report.add("gitsession open, vault on the mount", "s", resumed, target)
        report.add("paths that came back differently", "", wrong, 0)
        small = repository(folder / "small", on_mount)
        place = drive.mountpoint / "MyDrive" / "clone"
        report.add(f"git clone onto the mount, {on_mount} files only", "s", [clone(small, place)])
    report.show(as_json=given.json)


def repository(folder: Path, files: int) -> Path:
    """A bare repository with so many small files, in folders."""
    work = folder / "made"
    for number in range(files):
        path = work / f"d{number // PER_FOLDER}" / f"f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n" * 40)
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "Many files")
    git(folder, "clone", "--quiet", "--bare", str(work), "remote.git")
    return folder / "remote.git"


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def clone(bare: Path, place: Path) -> float:
    """A plain clone, without the hard links that no other machine could have."""
    argv = ["git", "clone", "--quiet", "--no-local", str(bare), str(place)]
    took = seconds(lambda: subprocess.run(argv, check=True))
    if place.parent == bare.parent:
        subprocess.run(["rm", "-rf", str(place)], check=True)
    return took


def resume(folder: Path, bare: Path, drive: Drive, files: int, runs: int) -> tuple[list[float], list[float]]:
    """Work, lose the machine, come back, several times; seconds, and how many paths differed."""
    machine = Machine(Runtime(folder / "m"), str(bare), ("--storage", str(drive.storage)))
    took, wrong = [], []
    try:
        machine.open()
        for number in range(0, files, files // CHANGED):
            (machine.worktree / f"d{number // PER_FOLDER}" / f"f{number}.txt").write_text("changed\n")
        machine.gitsession("flush", "--timeout", "60", "--level", "stored")
        before = tree(machine.worktree)
        for _ in range(runs):
            machine.lose()
            took.append(seconds(machine.open))
            after = tree(machine.worktree)
            wrong.append(float(len(before.items() ^ after.items())))
    finally:
        machine.runtime.kill()
    return took, wrong


if __name__ == "__main__":
    main()
