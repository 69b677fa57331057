"""Objects of a state commit: made in memory, named at once, written by one process."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence

from gitsession.git import Repository, lookup
from gitsession.snapshot import encode

TREE_MODE = 0o040000
FILE_MODE = 0o100644
TreeEntry = tuple[int, str]  # a mode and an oid


class Batch:
    """Objects that are named at once and written together."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, bytes]] = {}

    def add(self, kind: bytes, content: bytes) -> str:
        """Take an object in and answer with its oid."""
        oid = encode.name(kind, content).hex()
        self._objects[oid] = (kind, content)
        return oid

    def blob(self, content: bytes) -> TreeEntry:
        """Take a file's content in and answer with the entry that a tree needs."""
        return FILE_MODE, self.add(b"blob", content)

    def tree(self, files: Mapping[str, TreeEntry]) -> str:
        """Take a whole tree in, by paths; a path may also name a tree that exists already."""
        here: dict[bytes, TreeEntry] = {}
        below: dict[str, dict[str, TreeEntry]] = {}
        for path, entry in files.items():
            first, separator, rest = path.partition("/")
            if separator:
                below.setdefault(first, {})[rest] = entry
            else:
                here[first.encode("utf-8", "surrogateescape")] = entry
        for name, inner in below.items():
            here[name.encode("utf-8", "surrogateescape")] = (TREE_MODE, self.tree(inner))
        return self.add(b"tree", b"".join(map(_tree_line, sorted(here.items(), key=_tree_order))))

    def commit(self, tree: str, parents: Sequence[str], who: str, message: str) -> str:
        """Take a commit in; `who` is `name <email> <seconds> <zone>` for author and committer."""
        lines = [f"tree {tree}", *(f"parent {oid}" for oid in parents), f"author {who}", f"committer {who}"]
        return self.add(b"commit", "\n".join([*lines, "", message, ""]).encode("utf-8", "surrogateescape"))

    def write(self, repository: Repository) -> None:
        """Write all of them, loose.

        Raises:
            GitError: One names an object that the repository lacks.
        """
        lookup.unpack(repository, self._pack())

    def _pack(self) -> bytes:
        packed = [struct.pack(">4sII", b"PACK", 2, len(self._objects))]
        for kind, content in self._objects.values():
            packed += [encode.entry_header(kind, len(content)), zlib.compress(content, 1)]
        body = b"".join(packed)
        return body + hashlib.sha1(body, usedforsecurity=False).digest()


def _tree_order(item: tuple[bytes, TreeEntry]) -> bytes:
    name, (mode, _) = item
    return name + b"/" if mode == TREE_MODE else name


def _tree_line(item: tuple[bytes, TreeEntry]) -> bytes:
    name, (mode, oid) = item
    return b"%o %s\0" % (mode, name) + bytes.fromhex(oid)


def parse_tree(content: bytes) -> dict[str, TreeEntry]:
    """A raw tree by name.

    Raises:
        FormatError: It is torn.
    """
    entries = encode.tree_entries(content).items()
    return {name.decode("utf-8", "surrogateescape"): _parsed(entry) for name, entry in entries}


def _parsed(entry: bytes) -> TreeEntry:
    return int(entry.partition(b" ")[0], 8), entry[-20:].hex()
