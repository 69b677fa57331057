"""Bringing the history that a quick clone left at the remote, while the person works already."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from itertools import islice

from gitsession.agent.decide import back_off
from gitsession.agent.log import Log
from gitsession.agent.tending import yield_to_others
from gitsession.errors import GitsessionError
from gitsession.git import partial
from gitsession.snapshot.user import UserRepository

ROUND = 50_000  # names of contents in memory; with more than that missing, it looks again


class Completing:
    """Fetches older contents until none is missing, on a thread that yields to everything else.

    Args:
        user: The clone.
        variables: Those by which git reaches the remote.
        done: Called once nothing is missing any more.
        log: Hears of failures; it is tried again, less and less often.
    """

    def __init__(
        self, user: UserRepository, variables: Mapping[str, str], done: Callable[[], None], log: Log
    ) -> None:
        self._repository = user.repository
        self._variables = variables
        self._done = done
        self._log = log
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="complete", daemon=True)
        self.progress = ""

    def start(self) -> None:
        """Begin, where anything is missing."""
        if partial.is_to_be_completed(self._repository):
            self._thread.start()

    def stop(self, patience: float) -> None:
        """End after the portion under way, waiting at most so many seconds; the next agent goes on."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(patience)

    def _run(self) -> None:
        yield_to_others()
        failures = 0
        while not self._stopped.is_set():
            try:
                if self._is_whole():
                    self._done()
                    return
                failures = 0
            except (GitsessionError, OSError) as error:
                failures += 1
                self._log.failure("history waits", error)
                self._stopped.wait(back_off(failures, 0.5))

    def _is_whole(self) -> bool:
        """Fetch all that is missing now; answers whether nothing was."""
        lacking = partial.missing(self._repository, "--all")
        wanted = list(islice(lacking, ROUND))
        total = len(wanted) + sum(1 for _ in lacking)
        for first in range(0, len(wanted), partial.PORTION):
            self._tell(first, total)
            if self._stopped.is_set():
                return False
            portion = wanted[first : first + partial.PORTION]
            partial.bring(self._repository, portion, self._variables)
        if not wanted:
            partial.be_whole(self._repository)
            self.progress = ""
        return not wanted

    def _tell(self, done: int, total: int) -> None:
        self.progress = (
            f"Older versions of files are still fetched: {done:,} of {total:,} have come. "
            "Until they are here, the vault needs the remote to bring the session back."
        )
