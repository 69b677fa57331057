"""Writing packs: entries that are deflated already become a pack and its index, version 2.

The formats are those of git's `gitformat-pack(5)`.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gitsession import files

_LARGE = 1 << 31


@dataclass(frozen=True)
class Packed:
    """Where an entry lies in a pack, and the CRC-32 of its bytes."""

    oid: bytes
    offset: int
    checksum: int


def write(directory: Path, entries: Iterable[tuple[bytes, Iterable[bytes]]], count: int) -> Path:
    """Write a pack and its index durably; the path of the pack comes back.

    Args:
        directory: The `objects/pack` of a repository.
        entries: Object ids, each with its pack entry in pieces.
        count: How many entries there are.
    """
    data, index = files.temporary_name(directory / "pack"), files.temporary_name(directory / "idx")
    try:
        packed, trailer = _write_pack(data, entries, count)
        packed.sort(key=lambda one: one.oid)
        _write_durably(index, _index(packed, trailer))
        final = directory / f"pack-{trailer.hex()}.pack"
        data.replace(final)
        index.replace(final.with_suffix(".idx"))
        files.sync_directory(directory)
    finally:
        data.unlink(missing_ok=True)
        index.unlink(missing_ok=True)
    return final


def _write_pack(
    path: Path, entries: Iterable[tuple[bytes, Iterable[bytes]]], count: int
) -> tuple[list[Packed], bytes]:
    with path.open("xb") as file:
        out = _Hashing(file)
        out.write(b"PACK" + struct.pack(">II", 2, count))
        packed = [_write_entry(out, oid, pieces) for oid, pieces in entries]
        trailer = out.hashed.digest()
        file.write(trailer)
        file.flush()
        os.fchmod(file.fileno(), 0o444)
        os.fsync(file.fileno())
    return packed, trailer


class _Hashing:
    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.hashed = hashlib.sha1(usedforsecurity=False)
        self.offset = 0

    def write(self, piece: bytes) -> None:
        self.file.write(piece)
        self.hashed.update(piece)
        self.offset += len(piece)


def _write_entry(out: _Hashing, oid: bytes, pieces: Iterable[bytes]) -> Packed:
    offset, checksum = out.offset, 0
    for piece in pieces:
        out.write(piece)
        checksum = zlib.crc32(piece, checksum)
    return Packed(oid, offset, checksum)


def _index(packed: list[Packed], trailer: bytes) -> bytes:
    """The index of entries in the order of their ids."""
    large = [one.offset for one in packed if one.offset >= _LARGE]
    far = iter(range(len(large)))
    offsets = [one.offset if one.offset < _LARGE else _LARGE | next(far) for one in packed]
    body = b"".join(
        (
            b"\xfftOc\0\0\0\2",
            struct.pack(">256I", *_fan_out(packed)),
            *(one.oid for one in packed),
            struct.pack(f">{len(packed)}I", *(one.checksum for one in packed)),
            struct.pack(f">{len(packed)}I", *offsets),
            struct.pack(f">{len(large)}Q", *large),
            trailer,
        )
    )
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def _fan_out(packed: list[Packed]) -> Iterator[int]:
    counts = [0] * 256
    for one in packed:
        counts[one.oid[0]] += 1
    total = 0
    for count in counts:
        total += count
        yield total


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), 0o444)
        os.fsync(file.fileno())


def names(index: Path) -> Iterator[bytes]:
    """The object ids that a pack's index lists."""
    content = index.read_bytes()
    (total,) = struct.unpack_from(">I", content, 8 + 255 * 4)
    start = 8 + 256 * 4
    for position in range(start, start + 20 * total, 20):
        yield content[position : position + 20]
