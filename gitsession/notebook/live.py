"""The live card: one output of the notebook, updated in place by a thread that is there only when needed."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gitsession.card import Card, Tone, bundle, html, verdict

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 15.0
AFTER_CELL = 1.0  # seconds between looks until everything has settled
SETTLE_LIMIT = 40.0
SHARE = 200  # the thread works at most one part in so many of the time


class Output:
    """A place in the notebook that is filled once and then updated.

    Args:
        publisher: The kernel's display publisher; `%%capture` swaps the shell's for one of its own.
    """

    def __init__(self, publisher: Any) -> None:
        self._publisher = publisher
        self._name = ""
        self._shown = ""

    def show(self, card: Card) -> None:
        """Show the card below the cell that runs; from now on this is the place that is updated."""
        self._name = f"gitsession-{secrets.token_hex(8)}"
        self._publish(card, update=False)

    def update(self, card: Card) -> None:
        """Show another card in the same place, unless nothing but the time has changed."""
        if self._name and _timeless(card) != self._shown:
            self._publish(card, update=True)

    def _publish(self, card: Card, *, update: bool) -> None:
        self._shown = _timeless(card)
        self._publisher.publish(
            data=bundle(card),
            metadata={"gitsession": {"card": True}},
            transient={"display_id": self._name},
            update=update,
        )


def _timeless(card: Card) -> str:
    return html(replace(card, at=0.0))


class Attendant:
    """A thread that runs jobs and looks at the session while a cell runs, and until all has settled after it.

    Args:
        look: Draws the card; answers with it, or with None where there is none to draw.
    """

    def __init__(self, look: Callable[[], Card | None]) -> None:
        self._look = look
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._news = threading.Event()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._until = 0.0
        self._pause = FIRST_PAUSE

    def cell_begins(self) -> None:
        """Look now and then from now on."""
        self._busy, self._pause = True, FIRST_PAUSE
        self._attend()

    def cell_ended(self) -> None:
        """Look until all has settled."""
        self._busy, self._until = False, time.monotonic() + SETTLE_LIMIT
        self._attend()
        self._news.set()

    def do(self, job: Callable[[], None]) -> None:
        """Have a job done, in order, soon."""
        self._jobs.put(job)
        self._until = max(self._until, time.monotonic() + AFTER_CELL)
        self._attend()
        self._news.set()

    def _attend(self) -> None:
        with self._guard:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="gitsession-card", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            began = time.thread_time()
            self._news.clear()
            while not self._jobs.empty():
                self._jobs.get()()
            card = self._look()
            worked = time.thread_time() - began
            with self._guard:
                if not self._busy and self._jobs.empty() and self._is_settled(card):
                    self._thread = None
                    return
            self._news.wait(max(self._next_pause(), worked * SHARE))

    def _next_pause(self) -> float:
        if not self._busy:
            return AFTER_CELL
        pause, self._pause = self._pause, min(LONGEST_PAUSE, self._pause * 1.5)
        return pause

    def _is_settled(self, card: Card | None) -> bool:
        left = self._until - time.monotonic()
        looked_again = left < SETTLE_LIMIT - 2 * AFTER_CELL  # a change is seen a moment after it was made
        done = card is None or verdict(card).tone in (Tone.GOOD, Tone.OFF)
        return left <= 0 or (looked_again and done)
