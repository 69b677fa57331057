"""Git's objects as bytes: their names and their form inside a pack.

The formats are those of git's `gitformat-pack(5)`. Entries are never deltified here: that is for quiet
moments, and what ships is deltified by git.
"""

from __future__ import annotations

import hashlib
import re
import time
import zlib
from collections.abc import Iterable, Iterator

from gitsession.errors import FormatError
from gitsession.model import Identity

KINDS = {b"commit": 1, b"tree": 2, b"blob": 3}
NAMES = {number: name for name, number in KINDS.items()}
LARGE = 256 * 1024  # above this, deflating thoroughly takes too long for what it gains
THOROUGH, FAST = 6, 1
_TREE_ENTRY = re.compile(rb"([0-7]+ ([^\0]+)\0.{20})", re.DOTALL)
COMMITTER = Identity("gitsession", "gitsession@localhost")


def header(kind: bytes, size: int) -> bytes:
    """What git hashes before an object's content."""
    return b"%s %d\0" % (kind, size)


def name(kind: bytes, content: bytes) -> bytes:
    """The object's id, 20 raw bytes."""
    if len(content) < LARGE:  # one call instead of three, which counts where many files are saved
        return hashlib.sha1(b"%s %d\0%s" % (kind, len(content), content), usedforsecurity=False).digest()
    hashed = hashlib.sha1(header(kind, len(content)), usedforsecurity=False)
    hashed.update(content)
    return hashed.digest()


def entry_header(kind: bytes, size: int) -> bytes:
    """What stands before an object's zlib stream in a pack: three bits of kind, the rest size."""
    first, size = KINDS[kind] << 4 | size & 0x0F, size >> 4
    out = bytearray()
    while size:
        out.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    out.append(first)
    return bytes(out)


def entry(kind: bytes, size: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """An object as a pack holds it, in pieces; its content comes in pieces too."""
    yield entry_header(kind, size)
    packing = zlib.compressobj(THOROUGH if size < LARGE else FAST)
    for piece in pieces:
        yield packing.compress(piece)
    yield packing.flush()


def commit(
    *, tree: bytes, parent: str | None, author: Identity, message: bytes, at: float | None = None
) -> bytes:
    """A commit's content; the committer is gitsession, the time is local with its offset."""
    seconds = int(time.time() if at is None else at)
    stamp = f"{seconds} {_offset(seconds)}"
    lines = [
        f"tree {tree.hex()}",
        *([f"parent {parent}"] if parent else []),
        f"author {_person(author)} {stamp}",
        f"committer {_person(COMMITTER)} {stamp}",
    ]
    return "\n".join(lines).encode() + b"\n\n" + message


def message_of(content: bytes) -> bytes:
    """The message in a commit's content."""
    return content.partition(b"\n\n")[2]


def tree_entries(content: bytes) -> dict[bytes, bytes]:
    """A tree's entries, in its order: by name the whole entry as it stands in the tree.

    Raises:
        FormatError: This is no tree.
    """
    found = _TREE_ENTRY.findall(content)
    if sum(len(entry) for entry, _ in found) != len(content):
        raise FormatError(
            "A tree is damaged.",
            hint="Run `git fsck` in your repository, or go back to an earlier snapshot (`gitsession log`).",
        )
    return {name: entry for entry, name in found}


def trees_below(content: bytes) -> Iterable[bytes]:
    """The ids of the trees that a tree names."""
    return (entry[-20:] for entry in tree_entries(content).values() if is_tree(entry))


def is_tree(entry: bytes) -> bool:
    """Whether an entry of a tree names another tree; some tools once padded the mode with a zero."""
    return entry.startswith((b"40000 ", b"040000 "))


def _offset(seconds: int) -> str:
    minutes = (time.localtime(seconds).tm_gmtoff or 0) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


def _person(identity: Identity) -> str:
    def clean(text: str) -> str:
        kept = "".join(c for c in text if c.isprintable() and c not in "<>")
        return kept.encode("utf-8", "replace").decode().strip(" .,:;\"'\\")

    return f"{clean(identity.name) or 'unknown'} <{clean(identity.email)}>"
