"""The index: what it holds besides a tree, and how a fresh one gets it back.

The layout is that of git's documentation, gitformat-index(5), versions 2 to 4.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gitsession.errors import FormatError, GitError
from gitsession.git.command import Repository
from gitsession.git.filters import despite_filters

GITLINK = 0o160000
_ASSUME_UNCHANGED = 0x8000
_EXTENDED = 0x4000
_SKIP_WORKTREE = 0x4000
_INTENT_TO_ADD = 0x2000
_NAME_MASK = 0x0FFF
_STAT = 40  # bytes of stat data, the mode among them, before the oid


class Entry(NamedTuple):
    """One entry of an index; `stat` is git's cached stat data, whose bytes 24 to 28 are the mode."""

    name: bytes
    stat: bytes
    oid: bytes
    flags: int
    extended: int = 0

    @property
    def path(self) -> str:
        """The path relative to the work tree."""
        return os.fsdecode(self.name)

    @property
    def mode(self) -> int:
        """The mode as in a tree, such as `0o100644`."""
        return int.from_bytes(self.stat[24:28], "big")

    @property
    def stage(self) -> int:
        """0, or 1 to 3 in a conflict."""
        return (self.flags >> 12) & 3

    @property
    def assume_unchanged(self) -> bool:
        """Set by `update-index --assume-unchanged`."""
        return bool(self.flags & _ASSUME_UNCHANGED)

    @property
    def skip_worktree(self) -> bool:
        """Set by a sparse checkout or `update-index --skip-worktree`."""
        return bool(self.extended & _SKIP_WORKTREE)

    @property
    def intent_to_add(self) -> bool:
        """Set by `add --intent-to-add`; such an entry is in no tree."""
        return bool(self.extended & _INTENT_TO_ADD)


@dataclass(frozen=True)
class Index:
    """An index read whole.

    Args:
        entries: All entries, in git's order.
        self_contained: False where it leans on another file (split) or stands for whole directories (sparse).
    """

    entries: tuple[Entry, ...]
    self_contained: bool


def parse(content: bytes, oid_bytes: int = 20) -> Index:
    """Read an index file's content.

    Raises:
        FormatError: It is no index, torn, or of a version that git had not in 2024.
    """
    try:
        magic, version, count = struct.unpack_from(">4sII", content)
        if magic != b"DIRC" or version not in (2, 3, 4):
            raise FormatError("The repository's index has an unknown format.", hint="Run `git status` on it.")
        end, entries = _entries(content, version, count, oid_bytes)
        return Index(entries, not {b"link", b"sdir"} & set(_extensions(content, end, oid_bytes)))
    except (struct.error, IndexError, ValueError) as damage:
        raise FormatError("The repository's index is damaged.", hint="Run `git status` on it.") from damage


def _entries(content: bytes, version: int, count: int, oid_bytes: int) -> tuple[int, tuple[Entry, ...]]:
    entries, start, name = [], 12, b""
    fixed = _STAT + oid_bytes + 2
    for _ in range(count):
        (flags,) = struct.unpack_from(">H", content, start + fixed - 2)
        at, extended = start + fixed, 0
        if flags & _EXTENDED:
            (extended,) = struct.unpack_from(">H", content, at)
            at += 2
        if version == 4:
            strip, at = _offset(content, at)
            end = content.index(0, at)
            name = name[: len(name) - strip] + content[at:end]
            after = end + 1
        else:
            end = content.index(0, at + _NAME_MASK if flags & _NAME_MASK == _NAME_MASK else at)
            name = content[at:end]
            after = start + ((end - start + 8) & ~7)
        stat, oid = content[start : start + _STAT], content[start + _STAT : start + _STAT + oid_bytes]
        entries.append(Entry(name, stat, oid, flags, extended))
        start = after
    return start, tuple(entries)


def _offset(content: bytes, at: int) -> tuple[int, int]:
    """A variable-width number as in pack offsets, and where it ends."""
    byte = content[at]
    value = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = content[at]
        value = ((value + 1) << 7) | (byte & 0x7F)
    return value, at + 1


def _extensions(content: bytes, at: int, oid_bytes: int) -> Iterator[bytes]:
    while at + 8 <= len(content) - oid_bytes:
        name, size = struct.unpack_from(">4sI", content, at)
        yield name
        at += 8 + size


def serialise(entries: Iterable[Entry], oid_bytes: int = 20) -> bytes:
    """An index file of version 3 with these entries and no extensions."""
    ordered = sorted(entries, key=lambda entry: (entry.name, entry.stage))
    body = struct.pack(">4sII", b"DIRC", 3, len(ordered)) + b"".join(map(_packed, ordered))
    return body + (hashlib.sha1 if oid_bytes == 20 else hashlib.sha256)(body).digest()


def _packed(entry: Entry) -> bytes:
    length = min(len(entry.name), _NAME_MASK)
    kept = entry.flags & ~(_NAME_MASK | _EXTENDED) | length
    flags = struct.pack(">H", kept | _EXTENDED) + struct.pack(">H", entry.extended)
    if not entry.extended:
        flags = struct.pack(">H", kept)
    packed = entry.stat + entry.oid + flags + entry.name
    return packed + bytes(8 - len(packed) % 8)


def make_self_contained(repository: Repository, user_git_dir: Path) -> None:
    """Rewrite a copy of a split or sparse index as a whole one.

    Git refreshes the time of a shared index that it reads, so it gets copies of those too.

    Args:
        repository: A private repository with the user's objects, whose `index` names the copy.
        user_git_dir: Where the user's index lies.
    """
    shared = [
        Path(shutil.copy2(path, repository.git_dir))
        for path in user_git_dir.glob("sharedindex.*")
        if not path.is_symlink()
    ]
    try:
        repository.output("update-index", "--no-split-index", "--force-write-index")
    finally:
        for path in shared:
            path.unlink(missing_ok=True)


def write_tree(repository: Repository) -> str:
    """Write the index of `repository` as trees and answer with the root; intent-to-add entries are left out.

    Raises:
        GitError: A conflict is in it, or a blob is not in the object store.
    """
    return repository.text("write-tree")


def stage(repository: Repository, entries: Iterable[tuple[str, int, str, int]]) -> None:
    """Put (path, mode, oid, stage) entries into the index as they are; mode 0 takes all of a path out."""
    lines = [os.fsencode(f"{mode:06o} {oid} {stage}\t{path}") + b"\0" for path, mode, oid, stage in entries]
    if lines:
        repository.output("update-index", "-z", "--index-info", stdin=b"".join(lines))


def read_tree(repository: Repository, tree: str) -> None:
    """Make the index equal to a tree, keeping the stat data of what stays; the work tree is untouched."""
    repository.output("read-tree", "--reset", "--no-sparse-checkout", tree)


def refresh(repository: Repository) -> None:
    """Bring the cached stat data up to date; contents that differ stay different."""
    asked = ("update-index", "-q", "--unmerged", "--refresh")
    despite_filters(repository, lambda door: door.run(*asked, accept=(0, 1)))


def reapply_sparse(repository: Repository) -> None:
    """Take out of the work tree what its sparse-checkout patterns leave out; changed files stay."""
    repository.output("sparse-checkout", "reapply")


def flag(repository: Repository, option: str, paths: Collection[str]) -> None:
    """Set or clear a flag, named as `update-index` names its option, on paths that the index holds."""
    if paths:
        stdin = b"".join(os.fsencode(path) + b"\0" for path in sorted(paths))
        repository.output("update-index", option, "-z", "--stdin", stdin=stdin)


def intend_to_add(index: Path, modes: Mapping[str, int], empty_blob: str) -> None:
    """Add intent-to-add entries to an index file, also for paths that the work tree no longer has.

    Git's own command needs the file in place, so the entries are written here, under git's lock.

    Raises:
        GitError: Another git process holds the index.
    """
    if not modes:
        return
    oid = bytes.fromhex(empty_blob)
    entries = parse(index.read_bytes(), len(oid)).entries
    taken = {entry.name for entry in entries}
    added = [
        Entry(os.fsencode(path), _stat_of(mode), oid, 0, _INTENT_TO_ADD)
        for path, mode in modes.items()
        if os.fsencode(path) not in taken
    ]
    lock = index.with_name(f"{index.name}.lock")
    try:
        with lock.open("xb") as file:
            file.write(serialise([*entries, *added], len(oid)))
    except FileExistsError:
        raise GitError("The index is locked.", hint="Another git process runs here; wait for it.") from None
    lock.replace(index)


def _stat_of(mode: int) -> bytes:
    return bytes(24) + mode.to_bytes(4, "big") + bytes(12)
