"""Packing the shadow repository in quiet moments, on a thread that yields to everything else."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from gitsession.agent.log import Log
from gitsession.errors import GitsessionError
from gitsession.snapshot.shadow import Shadow

NICENESS = 15
LOOK_AGAIN = 1.0  # seconds between two looks for a quiet moment


class Tending:
    """Works off what there is to pack, one bounded step at a time.

    Args:
        shadow: The shadow repository, open.
        is_quiet: Whether nothing is being saved or about to be.
        log: Hears of failures; the next shipment is the next try.
    """

    def __init__(self, shadow: Shadow, is_quiet: Callable[[], bool], log: Log) -> None:
        self._shadow = shadow
        self._is_quiet = is_quiet
        self._log = log
        self._asked = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tend", daemon=True)
        self._thread.start()

    def ask(self) -> None:
        """There may be something to pack."""
        self._asked.set()

    def stop(self, patience: float) -> None:
        """End after the step under way, waiting at most so many seconds."""
        self._stopped.set()
        self._asked.set()
        self._thread.join(patience)

    def _run(self) -> None:
        yield_to_others()
        while not self._stopped.is_set():
            self._asked.wait()
            self._asked.clear()
            try:
                self._work()
            except (GitsessionError, OSError) as error:
                self._log.failure("packing failed", error)

    def _work(self) -> None:
        more = True
        while more and not self._stopped.is_set():
            if self._is_quiet():
                more = self._shadow.tend()
            else:
                self._stopped.wait(LOOK_AGAIN)


def yield_to_others() -> None:
    """Lower this thread's priority, which the git that it starts inherits; see setpriority(2) on Linux."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
