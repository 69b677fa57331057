"""The user's objects in our shadow repository: hard links, so that their `git gc` takes nothing from us.

What git wrote is synced here before a snapshot names it: git before 2.36 cannot be told to, and later
versions leave loose objects out by default.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
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
        self._look_at("pack")
        found = [self._look_at(name) for name in _FAN_OUT]
        if any(found):
            files.sync_directory(self.ours)
        self._look_at("pack")  # what their garbage collection packed while we looked at loose objects

    def orphans(self) -> Iterator[Path]:
        """Our links to packs that the user's store has no more."""
        for mark in (self.ours / "pack").glob(f"*{THEIRS}"):
            pack = mark.with_suffix(".pack")
            if not (self.theirs / "pack" / pack.name).exists():
                yield pack

    def _look_at(self, name: str) -> bool:
        """Link what is new in one directory of the store; answers whether there was anything."""
        source = self.theirs / name
        try:
            changed = source.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        if self._seen.get(name) == changed:
            return False
        done = self._new_packs(name) if name == "pack" else self._new_loose(name)
        if time.time_ns() - changed > _SETTLED_AFTER:
            self._seen[name] = changed
        return done

    def _new_packs(self, name: str) -> bool:
        theirs, ours = self.theirs / name, self.ours / name
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
                    _link(theirs / f"{stem}{suffix}", ours / f"{stem}{suffix}")
        if new:
            files.sync_directory(ours)
        return bool(new)

    def _new_loose(self, name: str) -> bool:
        theirs, ours = self.theirs / name, self.ours / name
        ours.mkdir(mode=0o700, exist_ok=True)
        have = _listed(ours)
        new = [one for one in _listed(theirs) if len(one) == 38 and one not in have]
        for one in new:
            _link(theirs / one, ours / one)
        if new:
            files.sync_directory(ours)
        return bool(new)


def _listed(directory: Path) -> set[str]:
    try:
        with os.scandir(directory) as entries:
            return {entry.name for entry in entries}
    except FileNotFoundError:  # their garbage collection removed it this moment
        return set()


def _link(source: Path, target: Path) -> None:
    """Link or copy one file, synced; one that vanished meanwhile was collected and is not needed."""
    with suppress(FileExistsError, FileNotFoundError):
        try:
            os.link(source, target)
            files.sync_file(target)
        except OSError as problem:
            if problem.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
                raise
            with files.atomic_path(target) as temporary:
                shutil.copyfile(source, temporary)
                temporary.chmod(0o444)
