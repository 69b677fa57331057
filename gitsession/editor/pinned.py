"""Whether an installation is code-server as its makers made it, wherever it came from: by all its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from gitsession.files import digest

# What `FromRegistry` makes of the pinned version: with Node from npm's registry, and from a wheel. npm 8 to
# 11 make the same of it. Those for arm64 were made on x64, of the packages for arm64, and have not run there.
TREES: Mapping[str, Collection[str]] = {
    "x64": (
        "09895a3adadaf522adb3041a8c1e30abc93cb2297d74bbddc4766a5f52274237",
        "abad89d8a7fb5f35d6cb782acb63b356f190ac805b2bdc672eb20d7163c81f0f",
    ),
    "arm64": (
        "3ea64c6d283c56f5ad747df0779afca6be8885f925e19710a0260f3aa057da4f",
        "a831777daf758fbb30c094abafe7cfa5c38487094d4712b7c82a1487a51c1013",
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
    return kind, digest(path)
