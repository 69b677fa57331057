"""The control socket: JSON lines over a Unix socket that only its owner can reach.

A request is `{"op": "status", ...}`, its answer `{"ok": true, ...}` or
`{"ok": false, "error": {"kind", "what", "safe", "hint"}}`. One connection may carry many of them, in order.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gitsession.errors import AgentError, Bug, GitsessionError, UsageError

MAX_REQUEST = 4 * 1024 * 1024
MAX_CLIENTS = 64
REQUEST_TIME = 30.0
_CHUNK = 65536
ASKER = "The program that asks is of another version: upgrade gitsession there and here."
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: see SO_PEERCRED in unix(7)


@dataclass(frozen=True)
class Request:
    """One request; the readers answer with a checked value or raise `UsageError`."""

    op: str
    fields: Mapping[str, Any]

    def text(self, name: str, default: str | None = None) -> str:
        """A string field; required without a default."""
        value = self.fields.get(name, default)
        if not isinstance(value, str):
            raise UsageError(f"{self.op}: {name!r} must be a string.", hint=ASKER)
        return value

    def optional_text(self, name: str) -> str | None:
        """A string field, or None where it is missing or null."""
        return None if self.fields.get(name) is None else self.text(name)

    def number(self, name: str, default: float, *, most: float = 86_400.0) -> float:
        """A number from 0 to `most`, clipped above."""
        value = self.fields.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
            raise UsageError(f"{self.op}: {name!r} must be a number of at least 0.", hint=ASKER)
        return float(min(value, most))

    def flag(self, name: str, default: bool) -> bool:
        """A boolean field."""
        value = self.fields.get(name, default)
        if not isinstance(value, bool):
            raise UsageError(f"{self.op}: {name!r} must be true or false.", hint=ASKER)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings, empty where it is missing."""
        value = self.fields.get(name, [])
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise UsageError(f"{self.op}: {name!r} must be a list of strings.", hint=ASKER)
        return tuple(value)


Operation = Callable[[Request], Mapping[str, Any]]


def ask(path: Path, op: str, /, *, timeout: float = 10.0, **fields: Any) -> dict[str, Any]:
    """Send one request to a keeper or an agent and answer with the fields of its reply.

    Args:
        path: The Unix socket.
        op: The operation, such as `"status"`.
        timeout: Seconds until the answer must be complete.
        fields: The operation's fields.

    Raises:
        AgentError: Nobody listens there, or no answer came in time.
        GitsessionError: What the other side raised, of the same class and with the same words.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(os.fspath(path))
            _check_peer(connection)
            with suppress(BrokenPipeError):  # a refusal may have come before the request was sent
                connection.sendall(_line({"op": op, **fields}))
            line = _read_line(connection, bytearray(), time.monotonic() + timeout, limit=None)
    except TimeoutError:
        raise AgentError(
            f"The session's background process did not answer {op!r} within {timeout:g} s.",
            hint="Try again; `gitsession doctor` looks into it.",
        ) from None
    except OSError:
        raise AgentError(
            "No background process of this session is running.", hint="Run `gitsession open` to start it."
        ) from None
    return _reply(line)


def _reply(line: bytes | None) -> dict[str, Any]:
    try:
        reply = json.loads(line or b"")
        if reply.pop("ok"):
            return dict(reply)
        error = reply["error"]
    except (ValueError, KeyError, AttributeError, TypeError):
        raise AgentError(
            "The session's background process went away before it answered.", hint="Try again."
        ) from None
    raise error_from_json(error)


def error_to_json(error: GitsessionError) -> dict[str, str]:
    """The form in which an error travels."""
    return {"kind": type(error).__name__, "what": error.what, "safe": error.safe, "hint": error.hint}


def error_from_json(fields: Mapping[str, Any]) -> GitsessionError:
    """The error that `error_to_json` was given; one of an unknown kind becomes its nearest known ancestor."""
    kind = _kinds().get(str(fields.get("kind")), GitsessionError)
    return kind(
        str(fields.get("what", "")), safe=str(fields.get("safe", "")), hint=str(fields.get("hint", ""))
    )


def _kinds(root: type[GitsessionError] = GitsessionError) -> dict[str, type[GitsessionError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found.update(_kinds(child))
    return found


class Server:
    """Answers requests on a Unix socket, each connection on a thread of its own.

    Args:
        path: Where to listen; a socket left there by a killed process is replaced.
        operations: What each operation does; a `GitsessionError` it raises travels to the client.
        report: Called with any other exception, which is a mistake of ours; the client gets a `Bug`.
    """

    def __init__(
        self, path: Path, operations: Mapping[str, Operation], report: Callable[[Exception], None]
    ) -> None:
        self._path = path
        self._operations = operations
        self._report = report
        self._slots = threading.BoundedSemaphore(MAX_CLIENTS)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._idle = threading.Condition()
        self._answering = 0
        self._stopped = False

    def start(self) -> None:
        """Listen from now on."""
        self._path.unlink(missing_ok=True)
        self._listener.bind(os.fspath(self._path))
        self._path.chmod(0o600)  # the folder is 0700: nobody else got in before
        self._listener.listen(MAX_CLIENTS)
        threading.Thread(target=self._accept, name="control", daemon=True).start()

    def stop(self, drain: float = 0.0) -> None:
        """Listen no more; requests that are being answered go on, and have `drain` seconds to end."""
        self._stopped = True
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._idle:
            self._idle.wait_for(lambda: self._answering == 0, drain)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                if self._stopped:
                    return
                self._report(error)  # out of file descriptors, say: others may end soon
                time.sleep(0.2)
                continue
            if self._slots.acquire(blocking=False):
                self._serve_beside(connection)
            else:
                with connection, suppress(OSError):
                    connection.settimeout(1.0)
                    connection.sendall(_refusal(AgentError("Too many clients at once.", hint="Try again.")))

    def _serve_beside(self, connection: socket.socket) -> None:
        """Serve on a thread of its own; where there is no memory for one, here, one after the other."""
        try:
            threading.Thread(target=self._serve, args=(connection,), name="client", daemon=True).start()
        except (RuntimeError, MemoryError):
            with suppress(MemoryError):
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        rest = bytearray()
        try:
            with connection, suppress(OSError):
                _check_peer(connection)
                while line := _read_line(connection, rest, time.monotonic() + REQUEST_TIME):
                    connection.settimeout(REQUEST_TIME)
                    with self._busy():
                        connection.sendall(self._answer(line))
                if line is None:
                    connection.sendall(_refusal(UsageError("The request is too long.", hint=ASKER)))
        finally:
            self._slots.release()

    @contextmanager
    def _busy(self) -> Iterator[None]:
        with self._idle:
            self._answering += 1
        try:
            yield
        finally:
            with self._idle:
                self._answering -= 1
                self._idle.notify_all()

    def _answer(self, line: bytes) -> bytes:
        try:
            request = _parse(line)
            operation = self._operations.get(request.op)
            if operation is None:
                raise UsageError(f"There is no operation {request.op[:50]!r}.", hint="Upgrade gitsession.")
            return _line({"ok": True, **operation(request)})
        except GitsessionError as error:
            return _refusal(error)
        except Exception as error:
            self._report(error)
            what = f"gitsession made a mistake: {type(error).__name__}"
            return _refusal(
                Bug(
                    what,
                    hint="Please report it with the last lines of log/agent.log in its local state.",
                )
            )


def _parse(line: bytes) -> Request:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        raise UsageError("The request is not JSON.", hint=ASKER) from None
    if not isinstance(fields, dict) or not isinstance(fields.get("op"), str):
        raise UsageError("The request names no operation.", hint=ASKER)
    return Request(fields.pop("op"), fields)


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def _refusal(error: GitsessionError) -> bytes:
    return _line({"ok": False, "error": error_to_json(error)})


def _read_line(
    connection: socket.socket, rest: bytearray, until: float, limit: int | None = MAX_REQUEST
) -> bytes | None:
    """The next line, without its end; empty at the end of the stream, None when it is longer than `limit`."""
    seen = 0
    while (end := rest.find(b"\n", seen)) < 0:
        seen = len(rest)
        if limit is not None and seen > limit:
            return None
        connection.settimeout(max(0.001, until - time.monotonic()))
        chunk = connection.recv(_CHUNK)
        if not chunk:
            return b""
        rest += chunk
    line = bytes(rest[:end])
    del rest[: end + 1]
    return line


def _check_peer(connection: socket.socket) -> None:
    """Let nobody but ourselves in; elsewhere than on Linux the folder's mode alone does that."""
    if not hasattr(socket, "SO_PEERCRED"):
        return
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    if _CREDENTIALS.unpack(credentials)[1] != os.getuid():
        raise PermissionError("the other end of the socket belongs to another user")
