"""What happened that a person should hear of: kept for the card and the editor, logged, and posted."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from gitsession.agent.log import Log
from gitsession.git.command import redact

KEPT = 50
WAITING = 16  # lines that wait to be posted; more are dropped, as nobody reads that many
POST_TIMEOUT = 10.0
MAX_LINE = 500


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Args:
        number: Counts from 1 in an agent's life, so that who polls knows what is new.
        at: Seconds since 1970.
        kind: `deadline`, `idle`, `risk`, `ran`, `resumed`, `fork`, `token`, `refused`.
        text: For people, one line.
    """

    number: int
    at: float
    kind: str
    text: str


class Events:
    """The newest events of one agent; safe to use from several threads.

    Args:
        log: Gets each of them.
        post: Told of each that should reach a person who looks at nothing.
    """

    def __init__(self, log: Log, post: Callable[[str], None]) -> None:
        self._log = log
        self._post = post
        self._lock = threading.Lock()
        self._count = 0
        self._newest: deque[Event] = deque(maxlen=KEPT)

    def add(self, kind: str, text: str, *, post: bool = True) -> None:
        """Keep an event, log it, and with `post` send it as well."""
        line = redact(" ".join(text.split()))[:MAX_LINE]
        with self._lock:
            self._count += 1
            self._newest.append(Event(self._count, time.time(), kind, line))
        self._log.write("told", kind=kind, text=line)
        if post:
            self._post(line)

    def to_json(self) -> list[dict[str, Any]]:
        """The newest last."""
        with self._lock:
            return [asdict(event) for event in self._newest]


class Notifier:
    """Posts lines to the person's own URL, on a thread of its own; a URL that fails costs nothing else.

    Args:
        url: Where to; None posts nothing.
        name: Which session the line is about.
        log: Hears of failures.
    """

    def __init__(self, url: str | None, name: str, log: Log) -> None:
        self._url = url
        self._name = name
        self._log = log
        self._lines: queue.Queue[str] = queue.Queue(WAITING)
        if url is not None:
            log.hide(url)
            threading.Thread(target=self._run, name="notify", daemon=True).start()

    def post(self, line: str) -> None:
        """Send one line soon; it is dropped where too many wait."""
        if self._url is not None:
            try:
                self._lines.put_nowait(f"gitsession {self._name}: {line}")
            except queue.Full:
                self._log.write("not posted", why="too many wait")

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            try:
                _send(self._url or "", line)
            except (OSError, ValueError) as error:
                self._log.write("not posted", why=type(error).__name__)


def _send(url: str, line: str) -> None:
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    request = Request(url, data=line.encode(), headers={"Content-Type": "text/plain; charset=utf-8"})
    try:
        with urlopen(request, timeout=POST_TIMEOUT) as answer:
            answer.read(1)
    except HTTPException as error:
        raise OSError(str(error)) from None
