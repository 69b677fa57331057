"""Work for the main thread, asked for by others who wait for what comes of it."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late  # the builtin only since Python 3.11
from typing import TypeVar

from gitsession.errors import AgentError

Answer = TypeVar("Answer")


class Jobs:
    """A queue of jobs.

    Args:
        wake: Called when there is one.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._waiting: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()

    def call(self, job: Callable[[], Answer], timeout: float) -> Answer:
        """Have the main thread do something, from any other, and answer with what came of it.

        Raises:
            AgentError: It was not done within `timeout` seconds.
        """
        answer: Future[Answer] = Future()

        def carry_out() -> None:
            try:
                answer.set_result(job())
            except Exception as error:
                answer.set_exception(error)

        self.add(carry_out)
        try:
            return answer.result(timeout)
        except Late:
            raise AgentError(
                f"The session is busy since {timeout:.0f} s.",
                hint="It goes on with what it does. Try again in a minute.",
            ) from None

    def add(self, job: Callable[[], object]) -> None:
        """Have the main thread do something, from any other, without waiting for it."""
        self._waiting.put(job)
        self._wake()

    def do(self) -> None:
        """Do what waits, on the main thread."""
        while not self._waiting.empty():
            self._waiting.get()()
