"""Git LFS by git-lfs itself, which may not be installed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from gitsession.git.command import Repository, plain

UPLOAD_TIMEOUT = 24 * 3600.0  # as long as bytes move: git-lfs ends by itself when they do not
IDLE = "120"  # seconds without a byte after which git-lfs gives up


NO_FILTER = {
    **dict.fromkeys(("filter.lfs.process", "filter.lfs.smudge", "filter.lfs.clean"), ""),
    "filter.lfs.required": "false",
}


def is_there() -> bool:
    """Whether git-lfs is installed on this machine, where git would find it."""
    return any(shutil.which("git-lfs", path=place) for place in (None, _beside_git()))


@cache
def _beside_git() -> str:
    return plain("--exec-path", cwd=Path("/")).stdout.decode("utf-8", "surrogateescape").strip()


def as_it_is() -> Mapping[str, str]:
    """Settings for a checkout: without git-lfs, pointers come out where a filter for it would fail."""
    return {} if is_there() else NO_FILTER


def files(repository: Repository) -> list[bytes]:
    """The paths in the index that belong to Git LFS by their attributes.

    Raises:
        GitError: The index cannot be read.
    """
    return repository.output("ls-files", "-z", "--", ":(top,attr:filter=lfs)").split(b"\0")[:-1]


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
