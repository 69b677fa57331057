"""What ran in a cell, as the next snapshot tells it."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from gitsession.replicas.spoken import redacted
from gitsession.runtime.gpu import gpu

HASH_LENGTH = 12


@dataclass(frozen=True)
class Cell:
    """One run of a cell.

    Args:
        cell: The number that the notebook shows beside it.
        hash: The first digits of its source's SHA-256.
        seconds: How long it ran; None for the cell that opened the session.
        ok: It ended without an error.
        error: The error's class, empty without one.
    """

    cell: int
    hash: str
    seconds: float | None
    ok: bool
    error: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What a cell ran in: Python's version, a hash of the installed packages, and the GPU."""

    python: str
    packages: str
    gpu: str


def source_hash(source: str) -> str:
    """The first digits of a cell's SHA-256, a secret in it masked: it could be guessed from the hash."""
    return hashlib.sha256(redacted(source).encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]


def packages_hash(packages: Iterable[tuple[str, str]]) -> str:
    """A name for a set of packages and versions, the same in whatever order they are found."""
    lines = sorted({f"{name.lower()}=={version}" for name, version in packages})
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:HASH_LENGTH]


class Looking:
    """Looks at the surroundings, anew only when packages came or went."""

    def __init__(self) -> None:
        self._seen: tuple[object, ...] | None = None
        self._packages = ""
        self._gpu: str | None = None

    def look(self) -> Surroundings:
        """The surroundings now; the first look takes a moment."""
        seen = _times(sys.path)
        if seen != self._seen:
            self._seen, self._packages = seen, packages_hash(_installed())
        if self._gpu is None:
            self._gpu = gpu()
        return Surroundings(platform.python_version(), self._packages, self._gpu)


def _installed() -> Iterable[tuple[str, str]]:
    for found in metadata.distributions():
        name = found.metadata["Name"] if found.metadata else None
        if name:
            yield name, found.version


def _times(places: Iterable[str]) -> tuple[object, ...]:
    folders = (Path(place) for place in places if place)
    return tuple((str(folder), folder.stat().st_mtime_ns) for folder in folders if folder.is_dir())


def record(cell: Cell, surroundings: Surroundings) -> str:
    """One line of JSON for `Session.note_ran`."""
    return json.dumps({**asdict(cell), **asdict(surroundings)})
