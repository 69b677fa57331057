"""A proxy as companies have one: `CONNECT host:port`, then it passes bytes; it may say no, or nothing.

Stands for what `HTTPS_PROXY` names. Does not imitate: one that breaks TLS open, or that wants a password.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from tests.rig.loopback import CHUNK, Handler, Loopback


class ConnectProxy(Loopback):
    """A proxy on a port of its own; a context manager.

    Attributes:
        asked: The places that it was asked for.

    Example:
        >>> with ConnectProxy() as proxy:
        ...     proxy.faults.add(faults.down("connect"))
    """

    def __init__(self) -> None:
        super().__init__(_Handler, None)
        self.asked: list[str] = []


class _Handler(Handler):
    def do_CONNECT(self) -> None:
        assert isinstance(self.owner, ConnectProxy)
        self.owner.asked.append(self.path)
        if self.spoiled("connect", "before"):
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), 10) as server:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pass, args=(server, self.connection))
            back.start()
            _pass(self.connection, server)
            back.join()
        self.close_connection = True


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
