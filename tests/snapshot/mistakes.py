"""Planted mistakes, to see that the crash harness finds them; only a traced process makes them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gitsession import files
from gitsession.git import Repository, objects
from gitsession.snapshot import journal, pack, shadow, tend


def _nothing(_: Path) -> None:
    return None


def _no_journal_sync() -> None:
    os.fdatasync = _nothing  # type: ignore[assignment]


def _no_file_sync() -> None:
    files.sync_file = _nothing  # type: ignore[assignment]


def _no_directory_sync() -> None:
    files.sync_directory = _nothing  # type: ignore[assignment]


def _no_pack_sync() -> None:
    real = os.fsync

    def sync(fd: int) -> None:
        if not Path(f"/proc/self/fd/{fd}").readlink().name.startswith(files.TEMPORARY_PREFIX):
            real(fd)

    os.fsync = sync  # type: ignore[assignment]


def _settled_before_the_pack() -> None:
    real: Callable[..., Path] = pack.write

    def late(directory: Path, entries: Any, count: int) -> Path:
        held = [(oid, list(pieces)) for oid, pieces in entries]
        path = directory.parent.parent / "gitsession-settled.json"
        content = path.read_bytes() if path.exists() else None
        if content is not None:
            told = json.loads(content)
            told["serial"] += 1
            files.write_atomically(path, json.dumps(told).encode())
        return real(directory, held, count)

    pack.write = late


def _journal_forgotten_first() -> None:
    real = shadow.Shadow._point_at

    def point(self: shadow.Shadow, tip: Any, serial: int) -> None:
        os.ftruncate(self._journal._fd, 0)
        os.fsync(self._journal._fd)
        os.ftruncate(self._journal._fd, journal.KEPT_SIZE)
        real(self, tip, serial)

    shadow.Shadow._point_at = point  # type: ignore[method-assign]


def _old_packs_removed_first() -> None:
    def merge(repository: Repository, packs: list[Path]) -> None:
        oids = {oid.hex() for path in packs for oid in pack.names(path.with_suffix(".idx"))}
        aside, place = repository.git_dir / "sweep", repository.git_dir / "objects/pack"
        name = objects.pack(repository, sorted(oids), aside / "pack")
        for path in packs:
            tend._remove(path)
        files.sync_directory(place)
        for suffix in (".pack", ".idx"):
            (aside / f"pack-{name}{suffix}").rename(place / f"pack-{name}{suffix}")
        files.sync_directory(place)

    tend._merge = merge
    tend.choose = lambda sizes: list(sizes) if len(sizes) > 1 else []


def _written_in_place() -> None:
    def write(target: Path, content: bytes, mode: int = 0o600) -> None:
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        os.write(fd, content)
        os.fsync(fd)
        os.close(fd)
        files.sync_directory(target.parent)

    files.write_atomically = write


MISTAKES: dict[str, Callable[[], None]] = {
    "the journal is not synced": _no_journal_sync,
    "directories are not synced": _no_directory_sync,
    "renamed files are not synced": _no_file_sync,
    "packs are not synced": _no_pack_sync,
    "settled is said before the pack is there": _settled_before_the_pack,
    "the journal is emptied before the tip is noted": _journal_forgotten_first,
    "old packs go before the new one is there": _old_packs_removed_first,
    "the tip is written in place": _written_in_place,
}


def make(name: str) -> None:
    """Make one mistake in this process."""
    MISTAKES[name]()
