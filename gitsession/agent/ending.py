"""When this machine is expected to end, and since when it looks idle to who ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from gitsession import run
from gitsession.agent.log import Log
from gitsession.status import Deadline

NOTICE_INTERVAL = 5.0


class Ending:
    """The deadline of this machine; safe to ask from several threads.

    Args:
        estimate: What its start and its lifetime suggest.
        notice: Asks the platform for the end that it has announced; None where none ever does.
        watched: The platform ends a machine on which no cell runs.
        wake: Called when something new is known.
        log: Hears of a platform that cannot be asked.
    """

    def __init__(
        self,
        estimate: Deadline | None,
        notice: Callable[[], Deadline | None] | None,
        *,
        watched: bool,
        wake: Callable[[], None],
        log: Log,
    ) -> None:
        self.deadline = estimate
        self._notice = notice
        self._watched = watched
        self._wake = wake
        self._log = log
        self._idle_since: float | None = time.monotonic()
        self._kernel: int | None = None
        self._stopped = threading.Event()

    @property
    def idle_since(self) -> float | None:
        """Since when no cell runs, on the monotonic clock; None where one runs or nobody minds."""
        if self._kernel is not None and not run.is_alive(self._kernel):
            self._kernel, self._idle_since = None, time.monotonic()  # killed in the middle of a cell
        return self._idle_since if self._watched else None

    def note_activity(self, *, running: bool, kernel: int | None = None) -> None:
        """A cell began or ended in a kernel, whose process id tells later whether it was killed meanwhile."""
        self._kernel = kernel if running else None
        self._idle_since = None if running else time.monotonic()
        self._wake()

    def start(self) -> None:
        """Poll the platform from now on, where it announces anything."""
        if self._notice is not None:
            threading.Thread(target=self._poll, name="notice", daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()

    def _poll(self) -> None:
        while self._notice is not None:
            announced = self._notice()
            if announced is not None and announced != self.deadline:
                self.deadline = announced
                self._log.write("end announced", at=announced.at)
                self._wake()
            if self._stopped.wait(NOTICE_INTERVAL):
                return
