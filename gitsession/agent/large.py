"""What is remembered of large files that change, so that the rules of `churn` can be applied."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from gitsession.agent.churn import LARGE, Budget, Changed, Waiting, waiting
from gitsession.agent.growth import Version

PROBE = 4096


@dataclass(frozen=True)
class Sent:
    """A large file as it last went out.

    Args:
        at: When, on the monotonic clock.
        size: Bytes.
        mtime: Its modification time in nanoseconds.
        end: A digest of the bytes before its end: what was only appended to has them still.
        version: Its lines.
    """

    at: float
    size: int
    mtime: int
    end: bytes
    version: Version


class Large:
    """The large files of one session.

    Args:
        root: The work tree.
        limit: `max_remote_size`.
        clock: The monotonic clock.
    """

    def __init__(self, root: Path, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._clock = clock
        self._sent: dict[str, Sent] = {}
        self._budget = Budget(0, limit)
        self._waiting: tuple[Waiting, ...] = ()
        self._growths: dict[str, tuple[int, int, int]] = {}

    @property
    def paths(self) -> frozenset[str]:
        """The files that wait."""
        return frozenset(wait.path for wait in self._waiting)

    @property
    def until(self) -> float | None:
        """When the first of them may go out."""
        return min((wait.until for wait in self._waiting if wait.until is not None), default=None)

    @property
    def budget(self) -> Budget:
        """What large changing content has cost the remote so far."""
        return self._budget

    def hold(self, marked: Collection[str], *, urgent: bool) -> dict[str, str]:
        """The paths that must not go into the next snapshot, with reasons."""
        changed = list(self._changed({*marked, *self._sent}))
        sent = {path: sent.at for path, sent in self._sent.items()}
        self._waiting = waiting(changed, sent, self._budget, self._clock(), urgent=urgent)
        return {wait.path: wait.reason for wait in self._waiting}

    def note(self, paths: Iterable[str]) -> None:
        """Remember what went into a snapshot."""
        for path in paths:
            seen = self._stat(path)
            if seen is None or seen.st_size <= LARGE:
                self._sent.pop(path, None)
                continue
            self._budget = Budget(self._budget.spent + self._growth(path, seen), self._budget.limit)
            self._growths.pop(path, None)
            end, version = self._end(path, seen.st_size), Version.of(self._root / path)
            self._sent[path] = Sent(self._clock(), seen.st_size, seen.st_mtime_ns, end, version)

    def _changed(self, paths: Iterable[str]) -> Iterable[Changed]:
        for path in paths:
            seen, sent = self._stat(path), self._sent.get(path)
            if seen is None or seen.st_size <= LARGE:
                continue
            if sent is None or (sent.size, sent.mtime) != (seen.st_size, seen.st_mtime_ns):
                yield Changed(path, seen.st_size, self._growth(path, seen))

    def _growth(self, path: str, seen: os.stat_result) -> int:
        """What it adds to the remote, looked up once for each version."""
        *version, known = self._growths.get(path, (-1, -1, 0))
        if version != [seen.st_size, seen.st_mtime_ns]:
            known = self._compared(path, seen.st_size)
            self._growths[path] = (seen.st_size, seen.st_mtime_ns, known)
        return known

    def _compared(self, path: str, size: int) -> int:
        """The appended part of a file that only grew at its end, else the lines that are new."""
        sent = self._sent.get(path)
        if sent is None:
            return size
        if size > sent.size and self._end(path, sent.size) == sent.end:
            return size - sent.size
        return sent.version.added(self._root / path, size)

    def _end(self, path: str, size: int) -> bytes:
        try:
            with (self._root / path).open("rb") as file:
                file.seek(max(0, size - PROBE))
                return hashlib.sha256(file.read(PROBE)).digest()
        except OSError:
            return b""

    def _stat(self, path: str) -> os.stat_result | None:
        try:
            return (self._root / path).lstat()
        except OSError:
            return None
