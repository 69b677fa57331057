"""When this machine is expected to end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gitsession.agent.log import Log
from gitsession.status import Deadline

NOTICE_INTERVAL = 5.0


class Ending:
    """The deadline of this machine; safe to ask from several threads.

    Args:
        estimate: What its start and its lifetime suggest.
        notice: Asks the platform for the end that it has announced; None where none ever does.
        wake: Called when something new is known.
        log: Hears of a platform that cannot be asked.
    """

    def __init__(
        self,
        estimate: Deadline | None,
        notice: Callable[[], Deadline | None] | None,
        *,
        wake: Callable[[], None],
        log: Log,
    ) -> None:
        self.deadline = estimate
        self._notice = notice
        self._wake = wake
        self._log = log
        self._stopped = threading.Event()

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
