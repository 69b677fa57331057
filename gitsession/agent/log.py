"""The log file: one JSON object a line, rotated, without secrets."""

from __future__ import annotations

import json
import logging
import time
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from gitsession.errors import GitsessionError
from gitsession.git.command import redact

MAX_BYTES = 2_000_000
OLD_FILES = 3


class Log:
    """Writes events with their fields; safe to use from several threads, and never fails its caller.

    Args:
        path: The file; older ones lie beside it as `agent.log.1` and so on.
        secrets: Words that are never written, whatever they look like.

    Example:
        >>> Log(places.log).write("pushed", snapshot=42, seconds=0.4)  # doctest: +SKIP
    """

    def __init__(self, path: Path, secrets: tuple[str | None, ...] = ()) -> None:
        self._secrets = {secret for secret in secrets if secret}
        self._handler = _Quiet(path, maxBytes=MAX_BYTES, backupCount=OLD_FILES, delay=True, encoding="utf-8")

    def hide(self, secret: str | None) -> None:
        """Never write this word from now on."""
        if secret:
            self._secrets.add(secret)

    def write(self, event: str, **fields: Any) -> None:
        """Write one event."""
        text = json.dumps({"at": round(time.time(), 3), "event": event, **fields}, default=str)
        self._handler.handle(logging.LogRecord("", logging.INFO, "", 0, self._clean(text), None, None))

    def close(self) -> None:
        """Close the file; writing opens it again."""
        self._handler.close()

    def failure(self, event: str, error: BaseException) -> None:
        """Write what went wrong; with the traceback where it was no error that we raise on purpose."""
        if isinstance(error, GitsessionError):
            self.write(event, kind=type(error).__name__, what=error.what, hint=error.hint)
        else:
            self.write(event, kind=type(error).__name__, trace=traceback.format_exception(error))

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "<redacted>").replace(json.dumps(secret)[1:-1], "<redacted>")
        return redact(text)


class _Quiet(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk must not end what is being logged."""
