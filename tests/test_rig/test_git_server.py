from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig import faults
from tests.rig.forge import ADA_TOKEN, GRACE_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.repositories import git


def test_clone_and_push_with_the_right_token(git_server: GitServer, sealed: Path) -> None:
    git(sealed, "clone", "--quiet", git_server.authorised_url(ADA_TOKEN), "work")
    work = sealed / "work"
    (work / "new.txt").write_text("new\n")
    git(work, "add", "new.txt")
    git(work, "commit", "--quiet", "-m", "Add a file")
    git(work, "push", "--quiet", "origin", "HEAD:refs/heads/session/ada/one")
    hosted = git_server.forge.repository()
    assert hosted.refs("refs/heads/session/")["refs/heads/session/ada/one"] == git(work, "rev-parse", "HEAD")
    assert hosted.read("session/ada/one", "new.txt") == "new"
    assert {request.token for request in git_server.pushes()} == {ADA_TOKEN}


def test_a_blobless_clone_fetches_what_it_lacks(git_server: GitServer, sealed: Path) -> None:
    url = git_server.authorised_url(ADA_TOKEN)
    git(sealed, "clone", "--quiet", "--filter=blob:none", "--no-checkout", url, "work")
    missing = git(sealed / "work", "rev-list", "--objects", "--all", "--missing=print")
    assert "?" in missing
    git(sealed / "work", "checkout", "--quiet", "main")
    assert (sealed / "work" / "train.py").exists()
