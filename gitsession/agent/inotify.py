"""inotify(7), on watchdog's bindings: one descriptor, watches of single directories, batches of events."""

from __future__ import annotations

import ctypes
import os
import select
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from watchdog.observers import inotify_c
from watchdog.observers.inotify_c import InotifyConstants as In

BUFFER = 256 * 1024
MASK = (
    In.IN_MODIFY  # a log that is kept open is never closed
    | In.IN_ATTRIB
    | In.IN_CLOSE_WRITE
    | In.IN_CREATE
    | In.IN_DELETE
    | In.IN_MOVE
    | In.IN_DELETE_SELF
    | In.IN_MOVE_SELF
    | In.IN_ONLYDIR
    | In.IN_DONT_FOLLOW
    | In.IN_EXCL_UNLINK
)
_BINDINGS: Any = inotify_c  # their types are newer than their shapes
_HEAD = struct.Struct("iIII")


class Event(NamedTuple):
    """One event: the watch it came from (-1 for an overflow), what happened, the name in that directory."""

    watch: int
    mask: int
    name: str

    @property
    def is_overflow(self) -> bool:
        """The kernel dropped events."""
        return bool(self.mask & In.IN_Q_OVERFLOW)

    @property
    def is_end(self) -> bool:
        """The watch is over: its directory is gone, or `remove` was called."""
        return bool(self.mask & In.IN_IGNORED)

    @property
    def is_about_itself(self) -> bool:
        """The watched directory itself was deleted or moved."""
        return bool(self.mask & (In.IN_DELETE_SELF | In.IN_MOVE_SELF))

    @property
    def is_directory(self) -> bool:
        """The name is that of a directory."""
        return bool(self.mask & In.IN_ISDIR)

    @property
    def appeared(self) -> bool:
        """The name is new there."""
        return bool(self.mask & (In.IN_CREATE | In.IN_MOVED_TO))

    @property
    def left(self) -> bool:
        """The name is there no more."""
        return bool(self.mask & (In.IN_DELETE | In.IN_MOVED_FROM))

    @property
    def is_attribute(self) -> bool:
        """Only its mode, owner or times changed."""
        return bool(self.mask & In.IN_ATTRIB)

    @property
    def is_writing(self) -> bool:
        """It was written to or created, and its writer may not be done."""
        return bool(self.mask & (In.IN_MODIFY | In.IN_CREATE))


class Inotify:
    """One inotify descriptor; every call but `read` returns at once.

    Raises:
        OSError: `EMFILE` where this user has too many of them already.
    """

    def __init__(self) -> None:
        self._fd = _BINDINGS.inotify_init()
        if self._fd < 0:
            raise _error()
        os.set_inheritable(self._fd, False)
        self._stopping, self._stop = os.pipe()
        self._poll = select.poll()
        for fd in (self._fd, self._stopping):
            self._poll.register(fd, select.POLLIN)

    def add(self, path: bytes) -> int:
        """Watch a directory, without what is below it; answers with the watch, unique for the descriptor.

        Raises:
            OSError: `ENOSPC` or `ENOMEM` at a limit, `ENOENT` or `ENOTDIR` where it is gone.
        """
        watch = _BINDINGS.inotify_add_watch(self._fd, path, MASK)
        if watch < 0:
            raise _error()
        return int(watch)

    def remove(self, watch: int) -> None:
        """End a watch; one that ended already is no error. Events before that may still be read."""
        _BINDINGS.inotify_rm_watch(self._fd, watch)

    def read(self) -> list[Event]:
        """Wait for events; an empty list once `close` was called."""
        ready = {fd for fd, _ in self._poll.poll()}
        if self._stopping in ready:
            for fd in (self._fd, self._stopping, self._stop):
                os.close(fd)
            return []
        return list(_parse(os.read(self._fd, BUFFER)))

    def close(self) -> None:
        """End all watches and wake the reader, which gives the descriptors back."""
        with suppress(OSError):
            os.write(self._stop, b"!")


def _parse(content: bytes) -> Iterator[Event]:
    at = 0
    while at < len(content):
        watch, mask, _, length = _HEAD.unpack_from(content, at)
        at += _HEAD.size + length
        yield Event(watch, mask, os.fsdecode(content[at - length : at].rstrip(b"\0")))


def _error() -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))
