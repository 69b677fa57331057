"""The user's objects in our shadow repository: hard links, so that their `git gc` takes nothing from us.

What git wrote is synced here before a snapshot names it: git before 2.36 cannot be told to, and later
versions leave loose objects out by default.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from gitsession import files

THEIRS = ".keep"
_SETTLED_AFTER = 1_000_000_000  # a directory changed less than this many ns ago may change again unseen
_FAN_OUT = tuple(f"{number:02x}" for number in range(256))


class Links:
    """Follows one object store of the user's from one of ours."""

    def __init__(self, theirs: Path, ours: Path) -> None:
        self.theirs = theirs
        self.ours = ours
        self._seen: dict[str, int] = {}

    def follow(self) -> None:
        """Link every pack and loose object that is new."""
        self._follow_packs()
        self._follow_loose()
        self._follow_packs()  # what their garbage collection packed while we looked at loose objects

    def orphans(self) -> Iterator[Path]:
        """Our links to packs that the user's store has no more."""
        for mark in (self.ours / "pack").glob(f"*{THEIRS}"):
            pack = mark.with_suffix(".pack")
            if not (self.theirs / "pack" / pack.name).exists():
                yield pack

    def _follow_packs(self) -> None:
        changed = self._changed("pack")
        if changed is not None:
            self._link_packs()
            self._remember("pack", changed)

    def _follow_loose(self) -> None:
        changed = {name: at for name in _FAN_OUT if (at := self._changed(name)) is not None}
        new = {name: found for name in changed if (found := self._new_loose(name))}
        _link([pair for found in new.values() for pair in found])
        for name in new:
            files.sync_directory(self.ours / name)
        if new:
            files.sync_directory(self.ours)
        for name, at in changed.items():
            self._remember(name, at)

    def _changed(self, name: str) -> int | None:
        """When a directory of their store changed, if that was since it was looked at last."""
        try:
            changed = (self.theirs / name).stat().st_mtime_ns
        except FileNotFoundError:
            return None
        return None if self._seen.get(name) == changed else changed

    def _remember(self, name: str, changed: int) -> None:
        if time.time_ns() - changed > _SETTLED_AFTER:
            self._seen[name] = changed

    def _link_packs(self) -> None:
        theirs, ours = self.theirs / "pack", self.ours / "pack"
        have = _listed(ours)
        there = _listed(theirs)
        new = [
            one[:-4]
            for one in there
            if one.endswith(".idx") and one not in have and f"{one[:-4]}.pack" in there
        ]
        for stem in new:
            (ours / f"{stem}{THEIRS}").touch(mode=0o600)
            for suffix in (".pack", ".promisor", ".idx"):
                if f"{stem}{suffix}" in there:
                    _link([(theirs / f"{stem}{suffix}", ours / f"{stem}{suffix}")])
        if new:
            files.sync_directory(ours)

    def _new_loose(self, name: str) -> list[tuple[Path, Path]]:
        theirs, ours = self.theirs / name, self.ours / name
        ours.mkdir(mode=0o700, exist_ok=True)
        have = _listed(ours)
        return [(theirs / one, ours / one) for one in _listed(theirs) if len(one) == 38 and one not in have]


def _listed(directory: Path) -> set[str]:
    try:
        with os.scandir(directory) as entries:
            return {entry.name for entry in entries}
    except FileNotFoundError:  # their garbage collection removed it this moment
        return set()


def _link(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Link or copy synced files; one that vanished meanwhile was collected and is not needed.

    All are synced before the first is linked: a link makes a file differ from what the disk holds, and then
    every sync of another costs a write of its own. Whoever calls syncs the directories.
    """
    for source, _ in pairs:
        with suppress(FileNotFoundError):
            files.sync_file(source)
    for source, target in pairs:
        with suppress(FileExistsError, FileNotFoundError):
            try:
                os.link(source, target)
            except OSError as problem:
                if problem.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
                    raise
                with files.atomic_path(target) as temporary:
                    shutil.copyfile(source, temporary)
                    temporary.chmod(0o444)
