"""Power cuts: after any prefix of a save's system calls, nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsession.errors import GitsessionError
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.take import Snapshots
from gitsession.snapshot.user import UserRepository, discover
from tests.rig import crashes
from tests.rig.repositories import PROJECT
from tests.snapshot.mistakes import MISTAKES
from tests.snapshot.saver import NO_HEAD
from tests.snapshot.scene import ADA, SESSION

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace to record system calls"),
]
WORKLOADS = int(os.environ.get("TEST_WORKLOADS", "3"))
IMAGES = int(os.environ.get("TEST_IMAGES", "12"))
LIMIT = 100.0
SAMPLE = ("the journal is not synced", "settled is said before the pack is there")
PLANTED = MISTAKES if os.environ.get("TEST_MISTAKES") == "all" else SAMPLE


def recorded(root: Path, seed: int, mistake: str | None = None, rounds: int = 8) -> list[crashes.Call]:
    """The calls of one saving process."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(root / "w")], check=True)
    (root / "state").mkdir(parents=True)
    worker = [
        sys.executable,
        "-m",
        "tests.snapshot.saver",
        str(root / "w"),
        str(root / "state"),
        str(seed),
        str(rounds),
    ]
    subprocess.run(
        crashes.command(root / "log", [*worker, *([mistake] if mistake else [])]),
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=LIMIT,
    )
    return list(crashes.parse(root / "log"))


def problems(root: Path, calls: list[crashes.Call], images: int, seed: int) -> Iterator[str]:
    """What is wrong with images of the disk, taken at random moments."""
    chance = random.Random(seed)
    moments = set(chance.sample(range(len(calls)), min(images, len(calls))))
    disk, acknowledged = crashes.Disk(root / "state"), b""
    user = discover(root / "w")
    for number, call in enumerate(calls):
        disk.apply(call)
        if call.name == "write" and call.texts[0].startswith(b"saved "):
            acknowledged = call.texts[0]
        if number in moments:
            disk.image(root / "image", chance)
            for wrong in judged(root / "image", user, acknowledged):
                yield f"after call {number}: {wrong}"


def judged(image: Path, user: UserRepository, acknowledged: bytes) -> list[str]:
    """What is wrong with one image."""
    least = int(acknowledged.split()[1]) if acknowledged else 0
    try:
        with Shadow.open(image / "shadow.git", user) as shadow:
            tip = shadow.tip()
            if (tip.number if tip else 0) < least:
                return [f"snapshot {least} was acknowledged, {tip} is the newest"]
            shadow.settle()
            checked = subprocess.run(
                [
                    "git",
                    "--git-dir",
                    str(shadow.directory),
                    "fsck",
                    "--strict",
                    "--no-dangling",
                    "--no-progress",
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            if checked.returncode:
                return [checked.stderr]
            snapshots = Snapshots(shadow, user, session=SESSION, runtime="r2", identity=ADA)
            (user.work_tree / "after").write_text(str(image.stat().st_ctime_ns))
            after = snapshots.take(["after"], head=NO_HEAD)
            snapshots.close()
            return (
                []
                if after and after.number == (tip.number if tip else 0) + 1
                else [f"the next save gave {after}"]
            )
    except (GitsessionError, OSError, ValueError, KeyError) as problem:
        return [repr(problem)]


@pytest.mark.parametrize("seed", range(WORKLOADS))
def test_nothing_acknowledged_is_lost(sealed: Path, seed: int) -> None:
    calls = recorded(sealed / str(seed), seed)
    assert list(problems(sealed / str(seed), calls, IMAGES, seed)) == []


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_found(sealed: Path, mistake: str) -> None:
    calls = recorded(sealed / "m", 1, mistake)
    assert any(wrong for seed in range(4) for wrong in problems(sealed / "m", calls, 4 * IMAGES, seed))
