"""A snapshot's message as git and GitHub read it, so that no Actions run starts from one."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from gitsession.model import SessionName
from gitsession.snapshot import trailers
from gitsession.snapshot.trailers import SnapshotMessage
from gitsession.snapshot.values import Head
from tests.snapshot.scene import scene
from tests.snapshot.test_exactness import plain

TOLD = SnapshotMessage(SessionName("ada", "lesson"), 7, "r1", Head("refs/heads/main", "a" * 40))
TOLDS = {
    "plain": TOLD,
    "with everything": replace(TOLD, held=3, replaces="b" * 40, ran='{"cell": 1}', subject="wip: a.py"),
    "what ran has lines": replace(TOLD, ran="one\n\ntwo\nskip-checks: false\n"),
    "a subject with lines": replace(TOLD, subject="wip\n\nskip-checks: false\n"),
    "unborn": replace(TOLD, head=Head(None, None)),
}


def skips(text: str) -> bool:
    """As GitHub's "Skipping workflow runs" wants it: the last trailer, its block after two empty lines."""
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=text, capture_output=True, text=True, check=True
    )
    found = done.stdout.splitlines()
    return (
        found[0].startswith("Gitsession-Session: ")
        and found[-1] == "skip-checks: true"
        and [line for line in found if line.startswith("skip-checks")] == ["skip-checks: true"]
        and text.endswith("\n\n\n" + "\n".join(found) + "\n")
        and "[skip ci]" in text
    )


@pytest.mark.parametrize("kind", TOLDS)
def test_no_actions_run_starts_from_a_message(kind: str) -> None:
    assert skips(trailers.message(TOLDS[kind]).decode())


def test_none_starts_from_a_snapshot_a_named_one_or_a_rebuilt_one(sealed: Path) -> None:
    with scene(sealed / "s", plain) as made:
        made.take()
        made.write("train.py", "one\n")
        named = made.snapshots.take(None, head=made.head, subject="It learns!")
        assert named is not None
        rebuilt = made.snapshots.rebuild(None, {"train.py": None})
        made.shadow.settle()
        for commit in (named.commit, rebuilt.commit):
            assert skips(made.git("log", "-1", "--format=%B", commit, cwd=made.shadow.directory) + "\n")
