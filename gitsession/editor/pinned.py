"""Whether an installation is code-server as its makers made it, wherever it came from: by all its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

# What `FromRegistry` makes of the pinned version: with Node from npm's registry, and from a wheel. Where none
# is known, as for arm64, a vault's archive is never used.
TREES: Mapping[str, Collection[str]] = {
    "x64": (
        "0fb03a3254600947202282d2e785079dca10a447780848706287c7675c31548e",
        "97774b116901422e87d050e094d39e16c429371a3389510f4cc24e1814d84fc1",
    ),
}


def is_genuine(directory: Path, machine: str, trees: Mapping[str, Collection[str]] = TREES) -> bool:
    """Whether all files of an installation are those that were pinned; none of them is run for it."""
    return machine in trees and fingerprint(directory) in trees[machine]


def fingerprint(directory: Path) -> str:
    """A SHA-256 over every file's name, content and leave to run, and over where each link leads."""
    whole = hashlib.sha256()
    for path in sorted(_files(directory), key=os.fsencode):
        kind, content = _seen(path)
        name = os.fsencode(path.relative_to(directory))
        whole.update(hashlib.sha256(name).digest() + kind + content)
    return whole.hexdigest()


def _files(directory: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(directory):
        yield from (Path(folder, name) for name in names)
        yield from (path for path in (Path(folder, name) for name in folders) if path.is_symlink())


def _seen(path: Path) -> tuple[bytes, bytes]:
    if path.is_symlink():
        return b"l", hashlib.sha256(os.fsencode(path.readlink())).digest()
    kind = b"x" if path.stat().st_mode & 0o100 else b"-"
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return kind, digest.digest()
