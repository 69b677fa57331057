"""Contents hashed in pieces, so that memory stays bounded however large a file is."""

from __future__ import annotations

import hashlib
import stat

from gitsession.snapshot import encode, worktree
from gitsession.snapshot.journal import Body
from gitsession.snapshot.trees import Entry
from gitsession.snapshot.worktree import Place


def differs(place: Place, entry: Entry) -> bool:
    """Whether a file that git was told to leave alone has other content than its entry."""
    seen = place.stat()
    if seen is None or stat.S_ISDIR(seen.st_mode):
        return False
    if stat.S_ISLNK(seen.st_mode):
        return entry.oid != encode.name(b"blob", place.link())
    try:
        with place.opened() as fd:
            hashed = hashlib.sha1(encode.header(b"blob", seen.st_size), usedforsecurity=False)
            for piece in worktree.pieces(fd, seen.st_size):
                hashed.update(piece)
    except OSError:
        return True
    return hashed.digest() != entry.oid


def streamed(body: Body, fd: int, size: int) -> tuple[bytes | None, bool]:
    """Put a large file's content; its id (None when it shrank), and whether it has carriage returns."""
    hashed = hashlib.sha1(encode.header(b"blob", size), usedforsecurity=False)
    has_returns, left = False, size
    for piece in worktree.pieces(fd, size):
        hashed.update(piece)
        has_returns = has_returns or b"\r" in piece
        body.put(piece)
        left -= len(piece)
    return (None if left else hashed.digest()), has_returns
