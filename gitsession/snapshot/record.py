"""A record of the journal as bytes: what makes one snapshot durable.

It holds the objects that a snapshot adds, plain, for deflating them can wait, and the new tip:

    magic, serial, tip, length and object count of the body, CRC-32 | contents | directory of the objects
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gitsession.snapshot import encode
from gitsession.snapshot.values import Tip

MAGIC = b"gsJ1"
CHUNK = 1 << 20
_HEADER = struct.Struct(">4sQQ20s20sQII")
_ENTRY = struct.Struct(">B20sQQ")
HEAD_SIZE, ENTRY_SIZE = _HEADER.size, _ENTRY.size


class Stored(NamedTuple):
    """An object in the journal file, and where its content lies."""

    kind: bytes
    oid: bytes
    offset: int
    size: int


@dataclass(frozen=True)
class Record:
    """One snapshot in the journal."""

    serial: int
    tip: Tip
    stored: tuple[Stored, ...]
    end: int


def head(serial: int, tip: Tip, length: int, count: int, checksum: int) -> bytes:
    """What stands before a body of so many bytes and objects, of which this is the CRC-32."""
    commit, tree = bytes.fromhex(tip.commit), bytes.fromhex(tip.tree)
    start = _HEADER.pack(MAGIC, serial, tip.number, commit, tree, length, count, 0)
    return start[:-4] + zlib.crc32(start, checksum).to_bytes(4, "big")


def directory(stored: Iterable[Stored], start: int) -> bytes:
    """What stands after the contents of a body that begins at `start` in the file."""
    return b"".join(
        _ENTRY.pack(encode.KINDS[one.kind], one.oid, one.offset - start, one.size) for one in stored
    )


def scan(fd: int, settled: int) -> Iterator[Record]:
    """The records from the front that are whole and follow each other, without those that are settled."""
    position, serial = 0, None
    while (record := _read_record(fd, position)) is not None:
        if serial is not None and record.serial != serial + 1:
            return
        serial, position = record.serial, record.end
        if serial > settled:
            yield record


def _read_record(fd: int, position: int) -> Record | None:
    head = os.pread(fd, _HEADER.size, position)
    if len(head) < _HEADER.size or head[:4] != MAGIC:
        return None
    _, serial, number, commit, tree, length, count, checksum = _HEADER.unpack(head)
    start, size = position + _HEADER.size, count * _ENTRY.size
    if start + length > os.fstat(fd).st_size or size > length:
        return None
    if _checksum(fd, start, length, head[:-4] + bytes(4)) != checksum:
        return None
    directory = os.pread(fd, size, start + length - size)
    stored = tuple(
        Stored(encode.NAMES[kind], oid, start + offset, size)
        for kind, oid, offset, size in _ENTRY.iter_unpack(directory)
    )
    return Record(serial, Tip(number, commit.hex(), tree.hex()), stored, start + length)


def _checksum(fd: int, start: int, length: int, head: bytes) -> int:
    checksum = 0
    for offset in range(start, start + length, CHUNK):
        checksum = zlib.crc32(os.pread(fd, min(CHUNK, start + length - offset), offset), checksum)
    return zlib.crc32(head, checksum)
