"""Git LFS from work in progress to the review, with git-lfs itself and a store as GitHub's."""

from __future__ import annotations

import hashlib
import os
import shutil

import pytest

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
    session = online.open()["session"]
    weights = os.urandom(300_000)
    (online.worktree / "model.bin").write_bytes(weights)
    (online.worktree / "keys.bin").write_bytes(b"key = '%s'\n" % KEY)
    online.gitsession("flush", "--timeout", "60", "--level", "stored")
    status = online.json("status")
    assert {item["path"]: item["reason"] for item in status["held"]} == dict.fromkeys(
        ("model.bin", "keys.bin"), lfs.HELD
    )
    hosted = forge.repository()
    assert hosted.large == {}
    done = online.gitsession("review", "--title", "Weights")
    assert "Bringing 300" in done.stderr and "model.bin" in done.stderr
    sha256 = hashlib.sha256(weights).hexdigest()
    assert hosted.large == {sha256: weights}
    branch = f"review/ada/{session}"
    assert hosted.read(branch, "model.bin") + "\n" == lfs.pointer(sha256, len(weights)).decode()
    assert "keys.bin is not in the review: secret: AWS" in done.stdout
    assert "keys.bin" not in hosted.git("ls-tree", "--name-only", branch)
