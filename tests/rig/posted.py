"""A server that takes what `notify=` posts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import SimpleQueue

Posted = tuple[str, "SimpleQueue[str]"]


@contextmanager
def taking_lines() -> Iterator[Posted]:
    """Its address, and the bodies it got, in order."""
    lines: SimpleQueue[str] = SimpleQueue()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            lines.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Taker) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook/key", lines
        server.shutdown()
        thread.join()
