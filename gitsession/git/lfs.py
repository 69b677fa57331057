"""Bringing contents to the LFS store with git-lfs itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gitsession.errors import GitError
from gitsession.git.command import Repository

UPLOAD_TIMEOUT = 24 * 3600.0  # as long as bytes move: git-lfs ends by itself when they do not
IDLE = "120"  # seconds without a byte after which git-lfs gives up


def is_there(repository: Repository) -> bool:
    """Whether git-lfs is installed on this machine."""
    try:
        return repository.run("lfs", "version", accept=tuple(range(256))).code == 0
    except GitError:
        return False


def place_of(storage: Path, sha256: str) -> Path:
    """Where git-lfs looks for a content in its storage."""
    return storage / "objects" / sha256[:2] / sha256[2:4] / sha256


def upload(repository: Repository, storage: Path, url: str, contents: Sequence[str]) -> None:
    """Bring contents to the LFS store of the repository at `url`; what it has is not sent again.

    Args:
        repository: Any repository of ours, whose settings name no other store.
        storage: Has the contents where `place_of` says.
        url: The repository's own.
        contents: Their SHA-256.

    Raises:
        GitError: The store refuses, is full, or cannot be reached.
    """
    settings = {
        "lfs.storage": str(storage),
        "lfs.url": f"{url.removesuffix('.git')}.git/info/lfs",
        "lfs.activitytimeout": IDLE,
        "lfs.locksverify": "false",
    }
    apart = replace(repository, config={**repository.config, **settings})
    apart.run("lfs", "push", "--object-id", url, *contents, timeout=UPLOAD_TIMEOUT)
