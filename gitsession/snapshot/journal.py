"""The journal: an append-only file that makes a snapshot durable with one write and one sync.

A record counts when its checksum is right and its serial follows the one before it. So a torn tail is
nothing, and the file is written over from its start once its records were settled: blocks that exist already
need no change of metadata, which makes the sync cheaper.
"""

from __future__ import annotations

import fcntl
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gitsession import files
from gitsession.errors import Bug, SaveError, SessionError
from gitsession.snapshot import encode, record
from gitsession.snapshot.disk import disk_errors
from gitsession.snapshot.record import CHUNK, ENTRY_SIZE, HEAD_SIZE, Record, Stored
from gitsession.snapshot.values import Tip

FILE = "journal"
KEPT_SIZE = 1 << 20
LOCK_PATIENCE = 10.0


class Journal:
    """The journal of one session; only one process has it open at a time.

    Raises:
        SessionError: Another process has had it open for longer than `patience` seconds.
    """

    def __init__(self, directory: Path, *, settled: int, patience: float = LOCK_PATIENCE) -> None:
        self.path = files.make_directory(directory) / FILE
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(self._fd, patience)
            self._prepare(directory)
            self._load(settled)
        except BaseException:
            os.close(self._fd)
            raise

    def close(self) -> None:
        """Let another process open it."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def _prepare(self, directory: Path) -> None:
        size = os.fstat(self._fd).st_size
        if size < KEPT_SIZE:
            os.pwrite(self._fd, bytes(KEPT_SIZE - size), size)
            os.fsync(self._fd)
        files.sync_directory(directory)

    def _load(self, settled: int) -> None:
        self.serial = settled
        self.records: list[Record] = []
        self._known: dict[bytes, Stored] = {}
        self.position = 0
        for found in record.scan(self._fd, settled):
            self._accept(found)

    def _accept(self, newest: Record) -> None:
        self.records.append(newest)
        self._known.update((stored.oid, stored) for stored in newest.stored)
        self.serial, self.position = newest.serial, newest.end

    def find(self, oid: bytes) -> Stored | None:
        """Where an object lies that is not settled yet."""
        return self._known.get(oid)

    def stored(self) -> tuple[Stored, ...]:
        """Every object that is not settled yet, each once."""
        return tuple(self._known.values())

    def read(self, stored: Stored) -> bytes:
        """The content of an object."""
        return b"".join(self.pieces(stored))

    def pieces(self, stored: Stored) -> Iterator[bytes]:
        """The content of an object, in pieces of bounded size."""
        for start in range(0, stored.size, CHUNK):
            yield os.pread(self._fd, min(CHUNK, stored.size - start), stored.offset + start)

    def write(self, content: bytes, offset: int) -> None:
        """Write all of `content` at `offset`; nothing is durable before `append`.

        Raises:
            SaveError: The disk is full or failing.
        """
        view = memoryview(content)
        with disk_errors():
            while view:
                done = os.pwrite(self._fd, view, offset)
                view, offset = view[done:], offset + done

    def append(self, tip: Tip, body: Body) -> Record:
        """Make a snapshot durable.

        Raises:
            SaveError: The disk is full or failing, or the journal was deleted. The records before stand; the
                next attempt overwrites it.
        """
        if body.begun_at != self.position:
            raise Bug(
                "The journal moved on while a snapshot was gathered.",
                hint="Please report it; the next save starts anew.",
            )
        stored, tail, checksum = body.finish()
        length = body.length + len(stored) * ENTRY_SIZE
        head = record.head(self.serial + 1, tip, length, len(stored), checksum)
        if body.spilled:
            self.write(tail, body.spilled)
            self.write(head, self.position)
        else:
            self.write(head + tail, self.position)
        with disk_errors():
            os.fdatasync(self._fd)
        if os.fstat(self._fd).st_nlink == 0:
            raise SaveError(
                "The folder of this session's local state was deleted.",
                safe="What the vault and the remote hold is safe, and so are the files of the work tree.",
                hint="Run `gitsession open` again: it saves the work tree and goes on.",
            )
        written = Record(self.serial + 1, tip, stored, self.position + HEAD_SIZE + length)
        self._accept(written)
        return written

    def forget(self, serial: int) -> None:
        """Let go of the records up to `serial`, once it is durable elsewhere that they are settled.

        Where none is left the file is written over from its front.
        """
        self.records = [one for one in self.records if one.serial > serial]
        self._known = {stored.oid: stored for one in self.records for stored in one.stored}
        if self.records:
            return
        self.position = 0
        if os.fstat(self._fd).st_size > 64 * KEPT_SIZE:
            os.ftruncate(self._fd, KEPT_SIZE)
            os.fsync(self._fd)


class Body:
    """The objects of a record in the making; large ones go to the file at once, so memory stays bounded."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.begun_at = journal.position
        self._start = journal.position + HEAD_SIZE
        self._parts: list[bytes] = []
        self._pending = 0
        self._stored: dict[bytes, Stored] = {}
        self.length = 0
        self._checksum = 0  # of what went to the file
        self.spilled = 0

    def __contains__(self, oid: bytes) -> bool:
        return oid in self._stored

    def add(self, kind: bytes, content: bytes, oid: bytes | None = None) -> bytes:
        """Add an object, once; its id comes back."""
        oid = oid or encode.name(kind, content)
        if oid not in self._stored:
            self.put(content)
            self.note(kind, oid, len(content))
        return oid

    def put(self, part: bytes) -> None:
        """Add raw bytes; `note` says afterwards what they are."""
        self._parts.append(part)
        self.length += len(part)
        self._pending += len(part)
        if self._pending > 8 * CHUNK:
            self._spill()

    def note(self, kind: bytes, oid: bytes, size: int) -> None:
        """Say that the last `size` bytes are the content of an object."""
        if oid not in self._stored:
            self._stored[oid] = Stored(kind, oid, self._start + self.length - size, size)

    def mark(self) -> tuple[int, int]:
        """Where the body stands, for `rewind`; what was added so far goes to the file."""
        self._spill()
        return self.length, self._checksum

    def rewind(self, mark: tuple[int, int]) -> None:
        """Forget the raw bytes that were put since `mark`."""
        self._parts, self._pending = [], 0
        self.length, self._checksum = mark
        self.spilled = self._start + self.length

    def finish(self) -> tuple[tuple[Stored, ...], bytes, int]:
        """The objects, the bytes still to be written with the directory at their end, and the checksum."""
        stored = tuple(self._stored.values())
        directory = record.directory(stored, self._start)
        tail = b"".join((*self._parts, directory))
        return stored, tail, zlib.crc32(tail, self._checksum)

    def _spill(self) -> None:
        at, pending = self._start + self.length - self._pending, b"".join(self._parts)
        self._journal.write(pending, at)
        self._checksum = zlib.crc32(pending, self._checksum)
        self._parts, self._pending = [], 0
        self.spilled = self._start + self.length


def _lock(fd: int, patience: float) -> None:
    """Take the lock, which the kernel drops when this process ends, however it ends."""
    deadline = time.monotonic() + patience
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() > deadline:
            raise SessionError(
                "Another process saves this session already.",
                safe="What it saved is safe; nothing was changed.",
                hint="Run `gitsession status`, or `gitsession close` to end it.",
            )
        time.sleep(0.02)
