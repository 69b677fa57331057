"""Git LFS from work in progress to the review, with git-lfs itself and a store as GitHub's."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from gitsession.proposal.large import PIECE, pieces
from gitsession.snapshot import lfs
from tests.rig.forge import ADA_TOKEN, Forge
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.spine import Machine
from tests.test_review_session import commit_to_base, machine_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(shutil.which("git-lfs") is None, reason="git-lfs is not installed here"),
]
RULE = b"*.bin filter=lfs diff=lfs merge=lfs -text\n"
KEY = b"AKIA" + b"QWERTYUIOPASDFGH"


@pytest.fixture
def online(runtime: Runtime, git_server: GitServer, hub: Hub, forge: Forge) -> Machine:
    commit_to_base(forge, {".gitattributes": RULE})
    return machine_of(runtime, git_server, ADA_TOKEN)


def test_work_in_progress_of_lfs_stays_in_the_vault_until_the_review_brings_it(
    online: Machine, forge: Forge
) -> None:
    session = online.open("--max-file-size", "100KB")["session"]
    weights = os.urandom(300_000)
    (online.worktree / "plain.dat").write_bytes(weights)
    (online.worktree / "model.bin").write_bytes(weights)
    (online.worktree / "keys.bin").write_bytes(b"key = '%s'\n" % KEY)
    online.gitsession("flush", "--timeout", "60", "--level", "stored")
    status = online.json("status")
    assert {item["path"]: item["reason"] for item in status["held"]} == {
        **dict.fromkeys(("model.bin", "keys.bin"), lfs.HELD),
        "plain.dat": "larger than 0.1 MB",
    }
    hosted = forge.repository()
    assert hosted.large == {}
    done = online.gitsession("review", "--title", "Weights")
    assert "Bringing 300" in done.stderr and "model.bin" in done.stderr
    sha256 = hashlib.sha256(weights).hexdigest()
    assert hosted.large == {sha256: weights}
    branch = f"review/ada/{session}"
    assert hosted.read(branch, "model.bin") + "\n" == lfs.pointer(sha256, len(weights)).decode()
    assert "keys.bin is not in the review: secret: AWS" in done.stdout
    assert "plain.dat is not in the review: larger than 0.1 MB" in done.stdout
    assert "keys.bin" not in hosted.git("ls-tree", "--name-only", branch)


@pytest.mark.long
def test_a_secret_in_more_than_git_itself_may_carry_is_found(online: Machine, forge: Forge) -> None:
    """130 MB, and the secret lies where the first piece that is searched ends."""
    session = online.open()["session"]
    with (online.worktree / "weights.bin").open("wb") as file:
        file.seek(PIECE - 10)
        file.write(b"key = '%s'\n" % KEY)
        file.truncate(130_000_000)
    aside = online.runtime.work / "aside"
    aside.write_bytes(os.urandom(1000) * 60_000)
    aside.rename(online.worktree / "plain.dat")  # at once, so that no snapshot sees half of it
    (online.worktree / "train.py").write_text("print('better')\n")
    done = online.gitsession("review")
    assert "plain.dat is not in the review: larger than 50 MB" in done.stdout
    assert "Looking for secrets in 130" in done.stderr
    assert "weights.bin is not in the review: secret: AWS" in done.stdout
    hosted = forge.repository()
    assert hosted.large == {}
    assert "weights.bin" not in hosted.git("ls-tree", "--name-only", f"review/ada/{session}")
    online.gitsession("allow", "weights.bin")
    assert "Bringing 130" in online.gitsession("review").stderr
    assert [len(content) for content in hosted.large.values()] == [130_000_000]


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 12, 18, 19, 100])
def test_whatever_is_no_longer_than_the_overlap_lies_whole_in_a_piece(sealed: Path, size: int) -> None:
    content = os.urandom(size)
    (sealed / "content").write_bytes(content)
    found = list(pieces(sealed / "content", length=10, overlap=2))
    assert all(content[start : start + 10] == piece for start, piece in found)
    for end in range(2, size + 1):
        assert any(start <= end - 2 and end <= start + len(piece) for start, piece in found)
    assert found[-1][0] + len(found[-1][1]) == size
