"""Bundles made on local disk, whole and hashed, before the first byte of them reaches a vault."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitsession import files
from gitsession.git import bundle
from gitsession.git.command import Repository

WORKPLACES = "gitsession-vault"


@dataclass(frozen=True)
class Sealed:
    """A finished bundle on local disk and its SHA-256."""

    path: Path
    sha256: str


def clear(repository: Repository) -> None:
    """Remove what killed processes left of their work; only while nobody else works there."""
    files.clear_temporaries(repository.git_dir / WORKPLACES)


@contextmanager
def workplace(repository: Repository) -> Iterator[Path]:
    """A folder of one's own in the shadow repository, for files on their way to or from a vault."""
    above = files.make_directory(repository.git_dir / WORKPLACES)
    place = above / f"{files.TEMPORARY_PREFIX}{secrets.token_hex(6)}"
    place.mkdir(mode=0o700)
    try:
        yield place
    finally:
        for entry in place.iterdir():
            entry.unlink()
        place.rmdir()


def seal(
    repository: Repository,
    place: Path,
    refs: Mapping[str, str],
    *,
    without: Sequence[str],
    also: Sequence[str] = (),
    timeout: float,
) -> Sealed:
    """Write a bundle into `place`; see `bundle.write` for the rest."""
    path = place / f"out-{secrets.token_hex(4)}.bundle"
    bundle.write(repository, path, refs, without=without, also=also, timeout=timeout)
    return Sealed(path, files.digest(path).hex())
