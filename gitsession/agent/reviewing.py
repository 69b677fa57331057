"""Following the session's review, so that what reviewers say is seen where the work is."""

from __future__ import annotations

import json
import math
import signal
import threading
import time
from pathlib import Path
from typing import Any

from gitsession import run
from gitsession.agent.log import Log

FIRST_ASK = 30.0  # seconds after a start, which may be on another machine than that of `review`
LOOK_INTERVAL = 10.0  # seconds between looks at whether there is a pull request
ASK_INTERVAL = 300.0  # four requests of the 5,000 that GitHub allows an hour
OVER_INTERVAL = 3600.0  # a merged or closed one may be opened again
TIMEOUT = 120.0
MOST_REMARKS, LONGEST_REMARK = 50, 1000
_OVER = ("merged", "closed")


class Reviewing:
    """Asks how the pull request stands, by the command that people use, which notes the answer.

    Args:
        note: Where `review` and `review --status` note it.
        worktree: Where the command is run.
        log: Hears of failures; it is asked again at its time.
        unnoted: Ask once too where nothing is noted.
    """

    def __init__(self, note: Path, worktree: Path, log: Log, *, unnoted: bool) -> None:
        self._note = note
        self._worktree = worktree
        self._log = log
        self._due = time.monotonic() + FIRST_ASK if unnoted else math.inf
        self._stopped = threading.Event()
        self._asking: run.Process | None = None
        self._read: tuple[int, dict[str, Any]] = (0, {})
        self._thread = threading.Thread(target=self._run, name="review", daemon=True)

    def start(self) -> None:
        """Begin; nothing more is asked while there is no pull request."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """End, and the question under way with it, waiting at most so many seconds."""
        self._stopped.set()
        self._end(self._asking)
        if self._thread.is_alive():
            self._thread.join(patience)

    def told(self) -> dict[str, Any]:
        """What was said last, as `ReviewStatus.to_json` has it, shortened; empty without a pull request."""
        noted = self._noted()
        if noted != self._read[0]:
            self._read = (noted, _shortened(self._note) if noted else {})
        return self._read[1]

    def _noted(self) -> int:
        try:
            return self._note.stat().st_mtime_ns
        except OSError:
            return 0

    def _run(self) -> None:
        known = 0
        while not self._stopped.wait(LOOK_INTERVAL):
            if self._noted() != known or time.monotonic() >= self._due:
                self._ask()
                known = self._noted()
                self._due = self._next() if known else math.inf

    def _next(self) -> float:
        over = self.told().get("state") in _OVER
        return time.monotonic() + (OVER_INTERVAL if over else ASK_INTERVAL)

    def _ask(self) -> None:
        words = [*run.program(), "review", "--status", "--json"]
        asking = run.start(
            words, env=run.clean_environment(), cwd=self._worktree, stdout=run.PIPE, stderr=run.PIPE
        )
        self._asking = asking
        if self._stopped.is_set():  # `stop` may have looked just before
            self._end(asking)
        try:
            done = run.complete(asking, words, None, TIMEOUT)
            if done.code and not self._stopped.is_set():
                self._log.write("review not followed", said=done.stderr.decode("utf-8", "replace")[-500:])
        except (run.TimedOut, OSError) as error:
            self._log.failure("review not followed", error)
        finally:
            self._asking = None

    def _end(self, asking: run.Process | None) -> None:
        if asking is not None:
            run.signal_group(asking.pid, signal.SIGTERM)


def _shortened(note: Path) -> dict[str, Any]:
    try:
        told = json.loads(note.read_bytes())
        remarks = [_short(remark) for remark in told.get("remarks", [])[-MOST_REMARKS:]]
        words = [[str(login), str(text)[:LONGEST_REMARK]] for login, text in told.get("words", [])]
        return {
            "state": str(told.get("state", "open")),
            "number": int(told["number"]),
            "url": str(told["url"]),
            "remarks": remarks,
            "words": words[-MOST_REMARKS:],
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _short(remark: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: str(remark[name]) for name in ("path", "author", "url")},
        **{name: None if remark[name] is None else int(remark[name]) for name in ("cell", "line")},
        "text": str(remark["text"])[:LONGEST_REMARK],
    }
