"""Git LFS: files that git records as pointers, whose contents go another way.

Work in progress of such files goes to the vault alone: the LFS store, where space is hard to get back,
receives a content by the user's own push.
The pointer's format: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

from gitsession.snapshot import encode
from gitsession.snapshot.worktree import Place

HELD = "Git LFS: work in progress goes to the vault, your own push brings it to LFS"
POINTER_ONLY = "only its Git LFS pointer is there: install git-lfs, then run `git lfs pull`"
MAX_POINTER = 1024
_START = b"version https://git-lfs.github.com/spec/"
_REMEMBERED = 10_000
Key = tuple[int, int, int, int]


def is_pointer(content: bytes) -> bool:
    """Whether this is a pointer and not what it stands for."""
    return len(content) < MAX_POINTER and content.startswith(_START)


def lies_in(place: Place, size: int) -> bool:
    """Whether a file is the pointer itself, as where git-lfs is not set up."""
    if size >= MAX_POINTER:
        return False
    try:
        with place.opened() as fd:
            return is_pointer(os.read(fd, MAX_POINTER))
    except OSError:
        return False


def pointer(sha256: str, size: int) -> bytes:
    """The pointer to a content."""
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (sha256.encode(), size)


class Pointers:
    """The blobs of pointers by the files that they stand for; each content is hashed once."""

    def __init__(self) -> None:
        self._known: dict[Key, bytes] = {}

    def of(self, seen: os.stat_result, pieces: Iterable[bytes]) -> bytes:
        """The binary id of the pointer's blob.

        Args:
            seen: The file, just opened.
            pieces: Its content; not read where it is known.
        """
        key = (seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            digest = hashlib.sha256()
            for piece in pieces:
                digest.update(piece)
            self._known[key] = encode.name(b"blob", pointer(digest.hexdigest(), seen.st_size))
        return self._known[key]
