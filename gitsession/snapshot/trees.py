"""Trees as git stores them, kept in memory where they were touched.

A node holds each entry's bytes in git's order, so that writing a tree anew is a join, and a change rebuilds
only the trees on the path to it: a save costs the same in a small and in a huge repository.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Union

from gitsession.snapshot import encode

TREE = b"40000"
LINK = b"120000"
SUBMODULE = b"160000"
EXECUTABLE = b"100755"
REGULAR = b"100644"
EMPTY_TREE = encode.name(b"tree", b"")

Load = Callable[[bytes], bytes]
Store = Callable[[bytes], bytes]
Change = dict[bytes, Union["Change", "Entry", None]]


class Entry(NamedTuple):
    """What a tree says of a path: a mode as git writes it, and the id of a blob or commit, 20 raw bytes."""

    mode: bytes
    oid: bytes


@dataclass(frozen=True)
class Node:
    """One tree: its id, its entries' bytes by name in git's order, and the subtrees loaded so far."""

    oid: bytes
    entries: Mapping[bytes, bytes]
    children: dict[bytes, Node] = field(default_factory=dict, compare=False)


def parse(oid: bytes, content: bytes) -> Node:
    """A node from a tree's content."""
    return Node(oid, encode.tree_entries(content))


EMPTY = parse(EMPTY_TREE, b"")


class Trees:
    """The trees below one root.

    Args:
        root: The root tree.
        load: Answers with the content of a tree by its id.
    """

    def __init__(self, root: Node, load: Load) -> None:
        self.root = root
        self._load = load
        self._last: tuple[bytes, Node | None] = (b"", root)
        self._asked: tuple[bytes, Entry | None] = (b"", None)

    def entry(self, path: bytes) -> Entry | None:
        """What the root says of a path; None where there is nothing."""
        if self._asked[0] != path:
            self._asked = (path, self._looked_up(path))
        return self._asked[1]

    def _looked_up(self, path: bytes) -> Entry | None:
        directory, _, name = path.rpartition(b"/")
        node = self._directory(directory)
        raw = node.entries.get(name) if node is not None else None
        return _decode(raw) if raw is not None else None

    def _directory(self, path: bytes) -> Node | None:
        """The tree at a path; questions come in the order of paths, mostly for the one before."""
        if self._last[0] == path:
            return self._last[1]
        node: Node | None = self.root
        for part in path.split(b"/") if path else ():
            node = self._child(node, part) if node is not None else None
        self._last = (path, node)
        return node

    def covering(self, path: bytes) -> tuple[bytes, Entry] | None:
        """The submodule or file that stands where one of the path's directories would be."""
        node, parts = self.root, path.split(b"/")
        for depth, part in enumerate(parts[:-1], 1):
            child = self._child(node, part)
            if child is None:
                raw = node.entries.get(part)
                return (b"/".join(parts[:depth]), _decode(raw)) if raw is not None else None
            node = child
        return None

    def files(self, path: bytes) -> Iterator[tuple[bytes, Entry]]:
        """Every entry at or below a path that is no tree; the empty path is the root."""
        entry = self.entry(path) if path else Entry(TREE, self.root.oid)
        if entry is None:
            return
        if entry.mode != TREE:
            yield path, entry
            return
        yield from self._below(path, self._at(path))

    def edited(self, changes: Mapping[bytes, Entry | None], store: Store) -> Node:
        """The root with these changes; new trees go to `store`, which answers with their ids.

        A None removes a path and what lies below it; a directory that becomes empty goes too.
        """
        return self._edit(self.root, _nested(changes), store) or _stored_empty(store)

    def _at(self, path: bytes) -> Node:
        node = self.root
        for part in path.split(b"/") if path else ():
            node = self._child(node, part) or EMPTY
        return node

    def _below(self, prefix: bytes, node: Node) -> Iterator[tuple[bytes, Entry]]:
        for name, raw in node.entries.items():
            path = prefix + b"/" + name if prefix else name
            entry = _decode(raw)
            if entry.mode == TREE:
                yield from self._below(path, self._child(node, name) or EMPTY)
            else:
                yield path, entry

    def _child(self, node: Node, name: bytes) -> Node | None:
        child = node.children.get(name)
        if child is None:
            raw = node.entries.get(name)
            if raw is None or not encode.is_tree(raw):
                return None
            oid = raw[-20:]
            child = node.children[name] = parse(oid, self._load(oid))
        return child

    def _edit(self, node: Node, changes: Change, store: Store) -> Node | None:
        """The node with these changes; None when nothing is left of it."""
        fresh: dict[bytes, bytes | None] = {}
        children = dict(node.children)
        for name, change in changes.items():
            children.pop(name, None)
            if isinstance(change, dict):
                child = self._edit(self._child(node, name) or EMPTY, change, store)
                fresh[name] = None if child is None else _encode(name, Entry(TREE, child.oid))
                if child is not None:
                    children[name] = child
            else:
                fresh[name] = None if change is None else _encode(name, change)
        return _replaced(node, fresh, children, store)


def _replaced(
    node: Node, fresh: Mapping[bytes, bytes | None], children: dict[bytes, Node], store: Store
) -> Node | None:
    entries = _merged(node.entries, fresh)
    if not entries:
        return None
    if entries == node.entries:
        return Node(node.oid, node.entries, children)
    return Node(store(b"".join(entries.values())), entries, children)


def _merged(entries: Mapping[bytes, bytes], fresh: Mapping[bytes, bytes | None]) -> dict[bytes, bytes]:
    """The entries with some replaced, added or (None) removed, in git's order."""
    merged = dict(entries)
    sort = False
    for name, raw in fresh.items():
        if raw is None:
            merged.pop(name, None)
            continue
        old = merged.get(name)
        sort = sort or old is None or encode.is_tree(old) != encode.is_tree(raw)
        merged[name] = raw
    if sort:
        return dict(sorted(merged.items(), key=_order))
    return merged


def _order(item: tuple[bytes, bytes]) -> bytes:
    """Git sorts a directory as if its name ended with a slash."""
    name, raw = item
    return name + b"/" if encode.is_tree(raw) else name


def _encode(name: bytes, entry: Entry) -> bytes:
    return b"%s %s\0%s" % (entry.mode, name, entry.oid)


def _decode(raw: bytes) -> Entry:
    return Entry(raw[: raw.index(b" ")], raw[-20:])


def _stored_empty(store: Store) -> Node:
    store(b"")
    return EMPTY


def _nested(changes: Mapping[bytes, Entry | None]) -> Change:
    """The changes by directory. What exists wins over a removal above or below it."""
    root: Change = {}
    for path, entry in sorted(changes.items(), key=lambda item: (item[1] is not None, item[0])):
        *directories, name = path.split(b"/")
        place = _place(root, directories, for_removal=entry is None)
        if place is not None:
            place[name] = entry
    return root


def _place(root: Change, directories: Sequence[bytes], *, for_removal: bool) -> Change | None:
    """Where a change in these directories belongs; None where a change above it decides already."""
    place = root
    for directory in directories:
        below = place.get(directory)
        if isinstance(below, Entry) or (for_removal and below is None and directory in place):
            return None
        if below is None:
            below = place[directory] = {}
        place = below
    return place
