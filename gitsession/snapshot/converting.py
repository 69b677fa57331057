"""Files whose bytes git changes on their way in: git reads them, and what it made of each is taken over."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitsession.errors import GitError
from gitsession.git import Repository, objects


@dataclass(frozen=True)
class Made:
    """What git made of a file, or why it made nothing.

    Args:
        oid: The blob; empty where there is none.
        loose: Where the blob lies while it is being looked at, unless the repository had it before.
        problem: Git's own words where it refused.
    """

    oid: bytes = b""
    loose: Path | None = None
    problem: str = ""

    def content(self) -> bytes | None:
        """The blob's content; None where the repository had it before."""
        if self.loose is None or not self.loose.exists():
            return None
        whole = zlib.decompress(self.loose.read_bytes())
        return whole[whole.index(b"\0") + 1 :]


def converted(seed: Repository, paths: Sequence[bytes]) -> Iterator[tuple[bytes, Made]]:
    """Each file as git would add it, one at a time: filters, line ends, ident and encodings applied.

    Args:
        seed: A repository with the work tree; nothing is written to its objects.
        paths: Regular files, relative to the work tree.
    """
    with tempfile.TemporaryDirectory(dir=seed.git_dir / "sweep") as scratch:
        yield from _converted(seed, paths, Path(scratch))


def _converted(seed: Repository, paths: Sequence[bytes], scratch: Path) -> Iterator[tuple[bytes, Made]]:
    """Each path by itself where git stops at one of many."""
    try:
        oids = objects.converted(seed, paths, scratch)
    except GitError as problem:
        if len(paths) == 1:
            yield paths[0], Made(problem=problem.what)
            return
        for path in paths:
            yield from _converted(seed, [path], scratch)
        return
    for path, oid in zip(paths, oids, strict=True):
        yield path, Made(bytes.fromhex(oid), scratch / oid[:2] / oid[2:])
