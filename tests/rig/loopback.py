"""A threaded HTTP server on 127.0.0.1, with or without TLS, that starts, stops and starts again on its port.

What the stand-ins of GitHub share. Does not imitate HTTP/2, which GitHub speaks.
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from typing_extensions import Self

from tests.rig.certificates import Certificates
from tests.rig.faults import FaultScript, Moment

CHUNK = 64 * 1024


class _Listener(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], owner: Loopback
    ) -> None:
        self.owner = owner
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.tls = owner.certificates.server_context() if owner.certificates else None
        super().__init__(address, handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        with self.lock:
            self.open.add(request)
        try:
            if self.tls:
                request.do_handshake()
            super().finish_request(request, client_address)
        finally:
            with self.lock:
                self.open.discard(request)
            request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.owner.failures.append(error)

    def cut_all(self) -> None:
        with self.lock:
            for connection in self.open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class Loopback:
    """The life of one server; a context manager.

    Attributes:
        faults: What is to go wrong.
        failures: Exceptions of the stand-in itself; `stop` raises them, so that they fail the test.
        stopping: Set while the server stops; whoever waits must look at it.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler], certificates: Certificates | None) -> None:
        self.handler = handler
        self.certificates = certificates
        self.faults = FaultScript()
        self.failures: list[BaseException] = []
        self.stopping = threading.Event()
        self.port = 0
        self._listener: _Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def site(self) -> str:
        """`https://127.0.0.1:<port>`, or http without certificates."""
        return f"{'https' if self.certificates else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the port of last time if there was one."""
        self.stopping.clear()
        self._listener = _Listener(("127.0.0.1", self.port), self.handler, self)
        self.port = self._listener.server_address[1]
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), name=self.site)
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections, cut the open ones, and wait for every thread.

        Raises:
            AssertionError: The stand-in itself failed meanwhile.
        """
        self.stopping.set()
        if self._listener and self._thread:
            self._listener.shutdown()
            self._listener.cut_all()
            self._thread.join()
            self._listener.server_close()
        self._listener = self._thread = None
        failures, self.failures = self.failures, []
        if failures:
            raise AssertionError(f"the stand-in failed: {'; '.join(map(str, failures))}") from failures[0]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Handler(BaseHTTPRequestHandler):
    """What the stand-ins' request handlers share: bodies, answers, faults."""

    protocol_version = "HTTP/1.1"
    server: _Listener
    disable_nagle_algorithm = True

    @property
    def owner(self) -> Loopback:
        """The server's life, with its faults."""
        return self.server.owner

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on stderr: what tests need is in `requests`."""

    def handle_one_request(self) -> None:
        """Serve one request; what it left unread of its body is not taken for the next one."""
        self.body_taken = False
        super().handle_one_request()

    def body(self) -> Iterator[bytes]:
        """The request's body as it arrives, dechunked; it can be taken once."""
        self.body_taken = True
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline(1024).split(b";")[0] or b"0", 16):
                yield from self._exactly(size)
                self.rfile.readline(16)
            self.rfile.readline(16)
        else:
            yield from self._exactly(int(self.headers.get("Content-Length") or 0))

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size > 0:
            piece = self.rfile.read1(min(size, CHUNK))
            if not piece:
                raise ConnectionError("the client went away in the middle of its body")
            size -= len(piece)
            yield piece

    def answer(
        self,
        status: int,
        body: bytes | str = b"",
        headers: Mapping[str, str] | None = None,
        kind: str = "text/plain",
    ) -> None:
        """Send a whole answer."""
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(content)

    def drain(self) -> None:
        """Read what the client still sends, so that it will read the answer."""
        if not self.body_taken:
            for _ in self.body():
                pass

    def cut(self) -> None:
        """Drop the connection without a word."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def spoiled(self, operation: str, moment: Moment, faults: FaultScript | None = None) -> bool:
        """Whether a fault, of the server or of `faults`, took the place of the answer; a delay only waits."""
        while fault := (faults or self.owner.faults).take(operation, moment):
            if fault.effect == "answer":
                self.drain()
                self.answer(fault.status, fault.body, fault.headers)
                return True
            if fault.effect == "delay":
                self.owner.stopping.wait(fault.seconds)
                continue
            if fault.effect == "stall":
                self.owner.stopping.wait(fault.seconds or None)
            self.cut()
            return True
        return False
