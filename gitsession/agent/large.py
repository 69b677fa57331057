"""What is remembered of large files that change, so that the rules of `churn` can be applied."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from gitsession.agent.churn import LARGE, Budget, Changed, Waiting, waiting

PROBE = 4096


@dataclass(frozen=True)
class Sent:
    """A large file as it last went out.

    Args:
        at: When, on the monotonic clock.
        size: Bytes.
        mtime: Its modification time in nanoseconds.
        end: A digest of the bytes before its end: what was only appended to has them still.
    """

    at: float
    size: int
    mtime: int
    end: bytes


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
            self._budget = Budget(self._budget.spent + self._growth(path, seen.st_size), self._budget.limit)
            end = self._end(path, seen.st_size)
            self._sent[path] = Sent(self._clock(), seen.st_size, seen.st_mtime_ns, end)

    def _changed(self, paths: Iterable[str]) -> Iterable[Changed]:
        for path in paths:
            seen, sent = self._stat(path), self._sent.get(path)
            if seen is None or seen.st_size <= LARGE:
                continue
            if sent is None or (sent.size, sent.mtime) != (seen.st_size, seen.st_mtime_ns):
                yield Changed(path, seen.st_size, self._growth(path, seen.st_size))

    def _growth(self, path: str, size: int) -> int:
        """What it adds to the remote: of a file that was only appended to, the delta is the appended part."""
        sent = self._sent.get(path)
        if sent is not None and size > sent.size and self._end(path, sent.size) == sent.end:
            return size - sent.size
        return size

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
