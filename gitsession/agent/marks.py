"""What changed since the last snapshot, as told by events: hints, which a sweep completes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

MANY = 20_000  # paths; above, a sweep is cheaper than one look at each
WRITING_GRACE = 0.05  # seconds that a writer which has not closed its file may hold a snapshot up


@dataclass(frozen=True)
class Marked:
    """What was marked, at one moment of the monotonic clock.

    Args:
        paths: The paths that events named, relative to the work tree.
        git: The user's git state changed: HEAD, index, refs.
        lost: Events were lost or cannot say enough: only a sweep finds everything.
        first: When the first mark was made; None when there is none.
        last: When the newest mark counts from; a file that is still being written counts a little later.
    """

    paths: frozenset[str] = frozenset()
    git: bool = False
    lost: bool = False
    first: float | None = None
    last: float | None = None

    def __bool__(self) -> bool:
        return self.first is not None


class Marks:
    """Collects marks from many threads.

    Args:
        wake: Called, from the marking thread, when there is something new to decide.
        clock: The monotonic clock.
    """

    def __init__(self, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._paths: set[str] = set()
        self._writing: dict[str, float] = {}
        self._rest = Marked()

    def mark(self, paths: Collection[str], *, writing: bool = False) -> None:
        """Mark changed paths; with `writing`, their writer may not be done yet."""
        if not paths:
            return
        now = self._clock()
        with self._lock:
            fresh = not self._rest
            for path in paths:
                self._paths.add(path)
                done = self._writing.pop(path, None) is not None and not writing
                fresh = fresh or (done and not self._writing)
                if writing:
                    self._writing[path] = now
            self._stamp(now, lost=len(self._paths) > MANY)
        if fresh:
            self._wake()

    def mark_git(self) -> None:
        """Mark that the user's git state changed."""
        self._mark_rest(git=True)

    def mark_lost(self) -> None:
        """Mark that only a sweep finds everything."""
        self._mark_rest(lost=True)

    def look(self) -> Marked:
        """What is marked, left in place."""
        with self._lock:
            return self._marked()

    def collect(self) -> Marked:
        """What is marked; from now on there is nothing until the next mark."""
        with self._lock:
            marked = self._marked()
            self._paths, self._writing, self._rest = set(), {}, Marked()
        return marked

    def put_back(self, marked: Marked) -> None:
        """Mark again what was collected and could not be saved, as old as it is."""
        if not marked:
            return
        with self._lock:
            now = self._rest
            self._paths |= marked.paths
            self._rest = replace(
                now,
                git=now.git or marked.git,
                lost=now.lost or marked.lost,
                first=marked.first,
                last=now.last if now else marked.last,
            )

    def _marked(self) -> Marked:
        last = self._rest.last
        if self._writing and last is not None:
            last = max(last, max(self._writing.values()) + WRITING_GRACE)
        return replace(self._rest, paths=frozenset(self._paths), last=last)

    def _mark_rest(self, *, git: bool = False, lost: bool = False) -> None:
        now = self._clock()
        with self._lock:
            fresh = not self._rest
            self._rest = replace(self._rest, git=self._rest.git or git)
            self._stamp(now, lost=lost)
        if fresh:
            self._wake()

    def _stamp(self, now: float, *, lost: bool) -> None:
        first = now if self._rest.first is None else self._rest.first
        self._rest = replace(self._rest, lost=self._rest.lost or lost, first=first, last=now)
