"""What ran in a cell, as the next snapshot tells it."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path

from gitsession.replicas.spoken import redacted
from gitsession.runtime.gpu import gpu

HASH_LENGTH = 12
CHANGED_LENGTH = 3_000  # of JSON: the record of a run may have 4,096 characters in all


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
    """What a cell ran in.

    Args:
        python: Python's version.
        packages: A hash of the installed packages and their versions.
        gpu: The GPU, empty without one.
        changed: What pip changed since the first cell: by package the version then and now, None for absent.
    """

    python: str
    packages: str
    gpu: str
    changed: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Package:
    """An installed package; `wanted` where somebody asked pip for it, not only another package."""

    name: str
    version: str
    wanted: bool = True


def source_hash(source: str) -> str:
    """The first digits of a cell's SHA-256, a secret in it masked: it could be guessed from the hash."""
    return hashlib.sha256(redacted(source).encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]


def packages_hash(packages: Iterable[tuple[str, str]]) -> str:
    """A name for a set of packages and versions, the same in whatever order they are found."""
    lines = sorted({f"{name.lower()}=={version}" for name, version in packages})
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:HASH_LENGTH]


class Changes:
    """What pip changed since the first look; a package that is again as it was stays named, to say so."""

    def __init__(self, first: Iterable[Package]) -> None:
        self._first = {name: package.version for name, package in first_of_each(first).items()}
        self._named: set[str] = set()

    def now(self, found: Iterable[Package]) -> dict[str, tuple[str | None, str | None]]:
        """By name the version at first and now; of what came as a need of another package nothing is said."""
        present = first_of_each(found)
        came = {name for name, package in present.items() if package.wanted and name not in self._first}
        differs = {
            name
            for name, version in self._first.items()
            if name not in present or present[name].version != version
        }
        self._named |= came | differs
        versions = {name: package.version for name, package in present.items()}
        return _fitting({name: (self._first.get(name), versions.get(name)) for name in sorted(self._named)})


def _fitting(
    changed: Mapping[str, tuple[str | None, str | None]],
) -> dict[str, tuple[str | None, str | None]]:
    room, kept = CHANGED_LENGTH, {}
    for name, versions in changed.items():
        room -= len(json.dumps({name: versions}))
        if room < 0:
            break
        kept[name] = versions
    return kept


def first_of_each(found: Iterable[Package]) -> dict[str, Package]:
    """Packages by name; of one that lies in several folders, the one that is imported."""
    return {package.name: package for package in reversed(list(found))}


class Looking:
    """Looks at the surroundings, anew only when packages came or went."""

    def __init__(self) -> None:
        self._seen: tuple[object, ...] | None = None
        self._packages = ""
        self._changes: Changes | None = None
        self._changed: dict[str, tuple[str | None, str | None]] = {}
        self._gpu: str | None = None

    def look(self) -> Surroundings:
        """The surroundings now; the first look takes a moment."""
        seen = _times(sys.path)
        if seen != self._seen:
            found = list(_installed())
            self._seen, self._packages = seen, packages_hash((one.name, one.version) for one in found)
            self._changes = self._changes or Changes(found)
            self._changed = self._changes.now(found)
        if self._gpu is None:
            self._gpu = gpu()
        return Surroundings(platform.python_version(), self._packages, self._gpu, self._changed)


def _installed() -> Iterable[Package]:
    for found in metadata.distributions():
        name = found.metadata["Name"] if found.metadata else None
        if name:
            # pip and uv leave this file only where the package itself was asked for
            yield Package(name.lower(), found.version, found.read_text("REQUESTED") is not None)


def _times(places: Iterable[str]) -> tuple[object, ...]:
    folders = (Path(place) for place in places if place)
    return tuple((str(folder), folder.stat().st_mtime_ns) for folder in folders if folder.is_dir())


def record(cell: Cell, surroundings: Surroundings) -> str:
    """One line of JSON for `Session.note_ran`."""
    return json.dumps({**asdict(cell), **asdict(surroundings)})
