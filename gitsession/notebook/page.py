"""The page in front of a Colab kernel: asked for what is in its tab, without holding the kernel up.

A reply comes on the kernel's stdin channel and is read on its main thread only. So a request is sent when a
cell has ended, and its reply is looked for in the pauses in which the kernel is idle.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from gitsession.errors import FormatError
from gitsession.notebook.document import Notebook, checked

REST = 1.0  # seconds after a cell before the page is asked
PATIENCE = 40.0  # a large notebook takes long
FIRST_LOOK, LONGEST_PAUSE = 0.05, 1.0
GLANCE = 0.001
HURRY = 5.0  # a reply that is on its way must not be taken for the answer to an `input()`
SHARE = 100  # at most one part in so many of the main thread's time


class Page:
    """Asks for the notebook; one request at a time, always on the main thread.

    Args:
        take: Given each notebook that came.
    """

    def __init__(self, take: Callable[[Notebook], None]) -> None:
        self._take = take
        self._message: Any = import_module("google.colab._message")
        self._request: str | None = None
        self._asked_at = 0.0
        self._pause = FIRST_LOOK
        self._not_before = 0.0
        self._planned: asyncio.TimerHandle | None = None

    def ask_soon(self) -> None:
        """Ask once the kernel has been idle for a moment; more often than that is not needed."""
        if self._planned is None and self._request is None:
            rest = max(REST, self._not_before - time.monotonic())
            self._planned = asyncio.get_running_loop().call_later(rest, self._ask)

    def ask_now(self, seconds: float = HURRY) -> Notebook | None:
        """Ask and wait; None where no page answers in time."""
        self.settle()
        return self._answer(self._message.send_request("get_ipynb", ""), seconds)

    def settle(self) -> None:
        """Before a cell runs: wait for a reply that is on its way."""
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None
        request, self._request = self._request, None
        if request is not None and (found := self._answer(request, HURRY)) is not None:
            self._take(found)

    def _ask(self) -> None:
        self._planned = None
        self._request = self._message.send_request("get_ipynb", "")
        self._asked_at, self._pause = time.monotonic(), FIRST_LOOK
        self._look_again()

    def _look_again(self) -> None:
        asyncio.get_running_loop().call_later(self._pause, self._look)
        self._pause = min(LONGEST_PAUSE, self._pause * 2)

    def _look(self) -> None:
        if self._request is None:
            return
        began = time.monotonic()
        found = self._answer(self._request, GLANCE)
        cost = time.monotonic() - began
        self._not_before = time.monotonic() + cost * SHARE
        if found is not None:
            self._request = None
            self._take(found)
        elif began - self._asked_at > PATIENCE:
            self._request = None
        else:
            self._look_again()

    def _answer(self, request: str, seconds: float) -> Notebook | None:
        try:
            reply = self._message.read_reply_from_input(request, timeout_sec=seconds)
        except Exception as error:  # Colab's MessageError, a class that exists nowhere else
            if type(error).__name__ != "MessageError":
                raise
            return None
        try:
            return checked(reply["ipynb"]) if isinstance(reply, dict) and "ipynb" in reply else None
        except FormatError:
            return None
