"""This machine: git, room on the disk, our own folder, and how many files the kernel watches."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from gitsession import run
from gitsession.doctor.case import Case
from gitsession.doctor.finding import Finding
from gitsession.errors import GitError
from gitsession.git import plain
from gitsession.wording import human_size

OLDEST_GIT = (2, 34)
LITTLE_ROOM, NO_ROOM = 2_000_000_000, 200_000_000
SWEEP = "a sweep a minute finds what changed"
DF_TIMEOUT = 10.0
MOST_LOOKED_AT = 1_000_000
KERNEL_LIMITS = "/etc/sysctl.d/60-gitsession.conf"


def git(_case: Case) -> Finding:
    """Whether git is there and not too old."""
    fix = "Install git 2.34 or newer: `sudo apt-get install git`."
    try:
        words = plain("version", cwd=Path("/")).stdout.decode("utf-8", "replace").strip()
    except (OSError, GitError) as error:
        return Finding.bad(f"git cannot be run ({error})", fix)
    match = re.search(r"(\d+)\.(\d+)", words)
    if match is None or (int(match[1]), int(match[2])) < OLDEST_GIT:
        return Finding.bad(f"{words} is too old", fix)
    return Finding.good(words)


def free_space(path: Path) -> int | None:
    """Bytes that are free where a path is or would be; None where that cannot be told in time."""
    standing = next((place for place in (path, *path.parents) if os.path.lexists(place)), Path("/"))
    try:
        done = run.run(["df", "-Pk", "--", str(standing)], timeout=DF_TIMEOUT, env=run.clean_environment())
        return int(done.stdout.split(b"\n")[1].split()[-3]) * 1024
    except (run.TimedOut, OSError, ValueError, IndexError):
        return None


def disk(case: Case) -> Finding:
    """Whether there is room where the work tree and the snapshots lie."""
    free = {place: free_space(place) for place in dict.fromkeys((case.worktree, case.home))}
    known = {place: size for place, size in free.items() if size is not None}
    if not known:
        return Finding.skipped("`df` does not tell")
    place, size = min(known.items(), key=lambda entry: entry[1])
    words = f"{human_size(size)} free at {place}"
    fix = f"Make room there: `du -xsh {place}/* | sort -h` names what is large."
    if size < NO_ROOM:
        return Finding.bad(words, fix)
    return Finding.warn(words, fix) if size < LITTLE_ROOM else Finding.good(words)


def state_folder(case: Case) -> Finding:
    """Whether our own folder can be written and linked in."""
    home = case.home
    place = next(folder for folder in (home, *home.parents) if folder.is_dir())
    try:
        with TemporaryDirectory(prefix=".gitsession-", dir=place) as folder:
            Path(folder, "one").write_bytes(b"x")
            os.link(Path(folder, "one"), Path(folder, "two"))
    except OSError as error:
        fix = "Name another one on a local disk: `export GITSESSION_HOME=/tmp/gitsession`."
        return Finding.bad(f"{home} cannot be used: {error.strerror}", fix)
    return Finding.good(str(home))


def watching(case: Case) -> Finding:
    """Whether the kernel lets us watch every directory of the work tree."""
    if sys.platform != "linux":
        return Finding.warn(f"this system has no inotify: {SWEEP}", "Nothing to do.")
    from gitsession.agent.inotify import Inotify  # other systems do not have it

    try:
        Inotify().close()
    except OSError as error:
        words = f"nothing can be watched ({error.strerror}): {SWEEP}"
        return Finding.bad(words, _raise_limit("instances", 1024))
    needed, most = _directories(case.worktree), _limit(case.inotify_limits)
    if most is not None and needed > most:
        words = f"{needed} folders, and only {most} can be watched: {SWEEP}"
        return Finding.bad(words, _raise_limit("watches", 2 * needed))
    return Finding.good(f"{needed} folders, {most or 'any number'} can be watched")


def _raise_limit(kind: str, value: int) -> str:
    return f"`sudo sysctl fs.inotify.max_user_{kind}={value}`, and the same line in {KERNEL_LIMITS} to stay."


def _limit(folder: Path) -> int | None:
    try:
        return int((folder / "max_user_watches").read_text())
    except (OSError, ValueError):
        return None


def _directories(worktree: Path) -> int:
    """How many directories would be watched at most: all but what lies in `.git`."""
    count = 0
    for _, folders, _ in os.walk(worktree):
        if ".git" in folders:
            folders.remove(".git")
        count += 1
        if count >= MOST_LOOKED_AT:
            break
    return count
