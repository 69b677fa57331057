"""Coming back: a session whose vault lies on a mount that behaves like Drive, on a machine that has nothing.

Beside it, in the same run, what people do today: a plain `git clone` on local disk, which is the yardstick,
and a `git clone` placed on the mount itself, of a smaller repository, since it takes that long.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchmarks.report import Report, arguments
from tests.rig.drive import Drive
from tests.rig.repositories import git
from tests.rig.runtime import Runtime
from tests.spine import Machine, tree

FILES, FEWER = 10_000, 2_000
CHANGED = 50
PER_FOLDER = 100
LONGEST = 60.0
ALLOWED_FACTOR, ALLOWED_MORE = 1.5, 2.0


def main() -> None:
    given = arguments(__doc__)
    files, runs = (FEWER, 2) if given.quick else (FILES, 3)
    on_mount = FEWER // 10 if given.quick else FEWER
    report = Report(f"resume: seconds until the work tree of {files} files stands again")
    with tempfile.TemporaryDirectory(prefix="gs-", dir="/tmp") as name, Drive(Path(name) / "d") as drive:
        folder = Path(name)
        bare = repository(folder, files)
        cloned, resumed, wrong = in_turns(folder, bare, drive, files, runs)
        target = ALLOWED_FACTOR * report.add("git clone, local to local", "s", cloned).median + ALLOWED_MORE
        report.add("gitsession open, vault on the mount", "s", resumed, target)
        report.add("paths that came back differently", "", wrong, 0)
        small = repository(folder / "small", on_mount)
        place = drive.mountpoint / "MyDrive" / "clone"
        took, there = clone_onto_mount(small, place, drive)
        report.add(f"git clone onto the mount, {on_mount} files, at most {LONGEST:g} s", "s", [took])
        report.add("files of it that stood there then", "", [there])
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
    packed = ("--no-local",)  # as a push leaves it, and not the loose objects of `made`
    git(folder, "clone", "--quiet", "--bare", *packed, str(work), "remote.git")
    return folder / "remote.git"


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def clone(bare: Path, place: Path) -> float:
    """A plain clone, without the hard links that no other machine could have."""
    argv = ["git", "clone", "--quiet", "--no-local", str(bare), str(place)]
    return seconds(lambda: subprocess.run(argv, check=True))


def clone_onto_mount(bare: Path, place: Path, drive: Drive) -> tuple[float, float]:
    """How long it took, or the limit at which it was stopped; and how many files it had written by then."""
    argv = ["git", "clone", "--quiet", "--no-local", str(bare), str(place)]
    with suppress(subprocess.TimeoutExpired):
        return seconds(lambda: subprocess.run(argv, check=True, timeout=LONGEST)), files_at(drive)
    return LONGEST, files_at(drive)


def files_at(drive: Drive) -> float:
    return float(len([*(drive.backing / "MyDrive" / "clone").glob("d*/*")]))


def in_turns(
    folder: Path, bare: Path, drive: Drive, files: int, runs: int
) -> tuple[list[float], list[float], list[float]]:
    """Clone and come back, several times; seconds of each, and how many paths differed.

    Nothing is deleted in between, and each coming back has a machine of its own: a file system that was just
    emptied makes new files ten times more slowly.
    """
    cloned, took, wrong = [], [], []
    before = left_behind(folder, bare, drive, files)
    for number in range(runs):
        cloned.append(clone(bare, folder / f"c{number}"))
        machine = at(folder / f"m{number}", bare, drive)
        try:
            took.append(seconds(machine.open))
            wrong.append(float(len(before.items() ^ tree(machine.worktree).items())))
        finally:
            machine.runtime.kill()
    return cloned, took, wrong


def at(place: Path, bare: Path, drive: Drive) -> Machine:
    return Machine(Runtime(place), str(bare), ("--storage", str(drive.storage)))


def left_behind(folder: Path, bare: Path, drive: Drive, files: int) -> dict[str, tuple[str, str]]:
    """The work tree of a machine that did some work, saw it in the vault, and was lost."""
    machine = at(folder / "m", bare, drive)
    try:
        machine.open()
        for number in range(0, files, files // CHANGED):
            (machine.worktree / f"d{number // PER_FOLDER}" / f"f{number}.txt").write_text("changed\n")
        machine.gitsession("flush", "--timeout", "60")  # with --level stored, the remote alone would do
        assert_in_vault(machine)
        return tree(machine.worktree)
    finally:
        machine.runtime.kill()


def assert_in_vault(machine: Machine) -> None:
    vault = next(each for each in machine.json("status")["replicas"] if each["name"] == "vault")
    assert vault["level"] != "local", vault
    assert vault["pending"] == 0, vault


if __name__ == "__main__":
    main()
