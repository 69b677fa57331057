"""FIFOs, sockets and devices in the work tree: git does not even list them, but what is left out is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress


def find(root: bytes, directories: Collection[bytes], is_ignored: Callable[[bytes], bool]) -> Iterator[bytes]:
    """Every path that is no file, symlink or directory, where git would look for files.

    Args:
        root: The work tree.
        directories: Those that hold tracked files; others are entered unless git ignores them.
        is_ignored: Whether git leaves out an unknown path.
    """
    waiting = [b""]
    while waiting:
        directory = waiting.pop()
        with suppress(OSError), os.scandir(root + b"/" + directory) as entries:
            for entry in entries:
                path = directory + b"/" + entry.name if directory else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if path in directories or _is_theirs(entry, path, is_ignored):
                        waiting.append(path)
                elif not (entry.is_file(follow_symlinks=False) or entry.is_symlink() or is_ignored(path)):
                    yield path


def _is_theirs(entry: os.DirEntry[bytes], path: bytes, is_ignored: Callable[[bytes], bool]) -> bool:
    """Whether an unknown directory belongs to the work tree: no repository, and not ignored."""
    return entry.name != b".git" and not os.path.lexists(entry.path + b"/.git") and not is_ignored(path)
