"""How many files a snapshot names, told before git is asked to list them.

A few small trees that name each other over and over make a snapshot of endless files, and git would gather
all of them in memory. Here each tree is read once per depth, and what it names is multiplied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gitsession.errors import OBJECT_LOST, GitError
from gitsession.git import objects
from gitsession.snapshot import encode
from gitsession.snapshot.trees import EMPTY_TREE

MOST_LISTED = 256 << 20  # bytes of names: some millions of files
_FORGED = "Somebody may have forged it: open another session with --session, and see who may write there."


class _Pair(NamedTuple):
    """A tree, and the one that stands at the same path in what it is compared with."""

    new: bytes
    old: bytes


class _Weight(NamedTuple):
    """At how many paths a pair stands, and how long those paths are together."""

    paths: int
    length: int


def check(reader: objects.Reader, new: str, old: str | None) -> None:
    """Refuse a tree that differs from another in more files than any work tree has.

    Args:
        reader: Answers for the repository of both.
        new: A commit or tree.
        old: What a real work tree held; None for nothing.

    Raises:
        GitError: They differ in too many, or a tree is missing.
        FormatError: A tree is damaged.
    """
    level = {_Pair(_root(reader, new), _root(reader, old)): _Weight(1, 0)}
    listed = 0
    while level:
        below: dict[_Pair, _Weight] = {}
        for pair, weight in level.items():
            for name, beneath in _differing(reader, pair):
                more = _Weight(weight.paths, weight.length + weight.paths * (len(name) + 1))
                if beneath is None:
                    listed += more.length
                else:
                    known = below.get(beneath, _Weight(0, 0))
                    below[beneath] = _Weight(known.paths + more.paths, known.length + more.length)
        if listed > MOST_LISTED or sum(weight.length for weight in below.values()) > MOST_LISTED:
            raise GitError(
                "The snapshot names more files than a disk could hold.",
                safe="Nothing was written.",
                hint=_FORGED,
            )
        level = below


def _differing(reader: objects.Reader, pair: _Pair) -> Iterator[tuple[bytes, _Pair | None]]:
    """The names whose entries in the new tree are not those of the old, each with the pair below it."""
    before = _entries(reader, pair.old)
    for name, entry in _entries(reader, pair.new).items():
        known = before.get(name, b"")
        if entry != known:
            yield name, _Pair(entry[-20:], _tree_in(known)) if encode.is_tree(entry) else None


def _tree_in(entry: bytes) -> bytes:
    return entry[-20:] if encode.is_tree(entry) else EMPTY_TREE


def _root(reader: objects.Reader, name: str | None) -> bytes:
    return EMPTY_TREE if name is None else encode.name(b"tree", _content(reader, f"{name}^{{tree}}"))


def _entries(reader: objects.Reader, oid: bytes) -> dict[bytes, bytes]:
    return {} if oid == EMPTY_TREE else encode.tree_entries(_content(reader, oid.hex()))


def _content(reader: objects.Reader, name: str) -> bytes:
    content = reader.read(name)
    if content is None:
        raise GitError(f"The tree {name} is missing.", safe="Nothing was written.", hint=OBJECT_LOST)
    return content
