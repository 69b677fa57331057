"""Reading and writing below the work tree, one directory at a time, so that no symlink leads out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

_CHUNK = 1 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Place(NamedTuple):
    """A path's last component, and the open directory it lies in."""

    directory: int
    name: bytes

    def stat(self) -> os.stat_result | None:
        """What lies there, links not followed; None for nothing."""
        try:
            return os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def link(self) -> bytes:
        """Where a symlink points."""
        return os.readlink(self.name, dir_fd=self.directory)

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The file, open for reading; a symlink is refused, a FIFO does not block."""
        fd = os.open(self.name, _FILE, dir_fd=self.directory)
        try:
            yield fd
        finally:
            os.close(fd)


class WorkTree:
    """The work tree, with the directories on the way to the last path kept open.

    Use it for one pass and give the paths in order: then each directory is opened once.
    """

    def __init__(self, root: Path) -> None:
        self._names: list[bytes] = []
        self._fds = [os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]

    def __enter__(self) -> WorkTree:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every directory."""
        for fd in self._fds:
            os.close(fd)
        self._fds.clear()

    def place(self, path: bytes, *, create: bool = False) -> Place | None:
        """Where a path lies; None where a directory on the way is missing, a file or a symlink.

        Args:
            path: Relative to the root.
            create: Make missing directories.
        """
        *directories, name = path.split(b"/")
        self._leave(directories)
        for directory in directories[len(self._names) :]:
            if not self._enter(directory, create):
                return None
        return Place(self._fds[-1], name)

    def stat(self, path: bytes) -> os.stat_result | None:
        """What lies at a path, links not followed; None for nothing."""
        place = self.place(path)
        return place.stat() if place else None

    def obstacle(self, path: bytes) -> bytes | None:
        """The path of the file or symlink that stands where one of `path`'s directories would be."""
        if self.place(path) is not None:
            return None
        reached = self._names
        blocking = path.split(b"/")[len(reached)]
        found = Place(self._fds[-1], blocking).stat()
        return b"/".join([*reached, blocking]) if found is not None else None

    def forget(self) -> None:
        """Close all but the root, after directories were moved or removed."""
        self._leave([])

    def _leave(self, directories: list[bytes]) -> None:
        if directories == self._names:
            return
        common = 0
        while common < min(len(directories), len(self._names)) and directories[common] == self._names[common]:
            common += 1
        while len(self._names) > common:
            os.close(self._fds.pop())
            self._names.pop()

    def _enter(self, name: bytes, create: bool) -> bool:
        if create:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=self._fds[-1])
        try:
            self._fds.append(os.open(name, _DIRECTORY, dir_fd=self._fds[-1]))
        except (FileNotFoundError, NotADirectoryError, OSError) as problem:
            if isinstance(problem, PermissionError):
                raise
            return False
        self._names.append(name)
        return True


def pieces(fd: int, size: int) -> Iterable[bytes]:
    """At most `size` bytes from the start: of a file that grows meanwhile, what it was when it was opened."""
    while size > 0 and (piece := os.read(fd, min(size, _CHUNK))):
        size -= len(piece)
        yield piece


def unchanged(before: os.stat_result, after: os.stat_result | None) -> bool:
    """Whether two looks saw the same file with the same content, as far as stat can tell."""
    return after is not None and _identity(before) == _identity(after)


def _identity(seen: os.stat_result) -> tuple[int, ...]:
    return (seen.st_dev, seen.st_ino, seen.st_mode, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def kind(mode: int) -> str:
    """What lies at a path, for people."""
    kinds = {
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFBLK: "a device",
        stat.S_IFCHR: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "no file")
