"""The notebook cells that run now, and those whose kernel ended in the middle of them."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass

from gitsession import run

KERNEL_ENDED = "kernel ended"


@dataclass(frozen=True)
class Cell:
    """A cell that runs.

    Args:
        cell: The number that the notebook shows beside it.
        hash: The first digits of its source's SHA-256.
        after: The number of the newest snapshot when it began.
    """

    cell: int
    hash: str
    after: int

    def killed(self) -> str:
        """The record of a cell that its kernel did not outlive, one line of JSON."""
        return json.dumps({**asdict(self), "seconds": None, "ok": False, "error": KERNEL_ENDED})


class Cells:
    """The cells that run, by their kernel's process id; safe to ask from several threads."""

    def __init__(self) -> None:
        self._running: dict[int, Cell] = {}
        self._lost: list[Cell] = []
        self._idle_since: float | None = time.monotonic()
        self._guard = threading.Lock()

    @property
    def idle_since(self) -> float | None:
        """Since when no cell runs, on the monotonic clock; None where one runs."""
        with self._guard:
            self._look()
            return self._idle_since

    def begin(self, kernel: int, cell: Cell) -> None:
        """A kernel began with a cell."""
        with self._guard:
            self._look()
            self._running[kernel], self._idle_since = cell, None

    def end(self, kernel: int) -> None:
        """A kernel came to a cell's end."""
        with self._guard:
            self._running.pop(kernel, None)
            self._note_idle()

    def lost(self) -> tuple[Cell, ...]:
        """The cells whose kernel was killed or restarted meanwhile; each is told once."""
        with self._guard:
            self._look()
            lost, self._lost = tuple(self._lost), []
            return lost

    def record(self) -> str | None:
        """What a snapshot says that is taken while a cell runs: one line of JSON; None where none runs."""
        with self._guard:
            newest = next(reversed(self._running.values()), None)
        return None if newest is None else json.dumps({**asdict(newest), "running": True})

    def placed(self, ran: str, kernel: int) -> str:
        """The record of a cell that ended, with the number of the newest snapshot from before it."""
        with self._guard:
            began = self._running.get(kernel)
        try:
            record = json.loads(ran)
        except ValueError:
            return ran
        if began is None or not isinstance(record, dict) or record.get("cell") != began.cell:
            return ran
        return json.dumps({**record, "after": began.after})

    def _look(self) -> None:
        for kernel in [kernel for kernel in self._running if not run.is_alive(kernel)]:
            self._lost.append(self._running.pop(kernel))
        self._note_idle()

    def _note_idle(self) -> None:
        if not self._running and self._idle_since is None:
            self._idle_since = time.monotonic()
