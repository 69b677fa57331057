"""A server that wants our token: it challenges, redirects or stands between, and keeps every byte it is sent.

Stands for an attacker with a valid certificate, or with none, for any name. Does not imitate git: nobody gets
past its doors.
"""

from __future__ import annotations

import base64
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from tests.rig.certificates import Certificates
from tests.rig.loopback import Handler, Loopback

Behaviour = Literal["challenge", "redirect", "challenge then redirect", "alternates"]


@dataclass(frozen=True)
class Seen:
    """One request, whole: the host it was meant for, its path, and everything that was sent."""

    host: str
    path: str
    text: bytes = field(repr=False)

    @property
    def authorised(self) -> bool:
        """Whether any password came with it; a URL's user name alone curl sends by itself."""
        given = re.search(rb"(?im)^authorization: *(\w+)\s+(\S*)", self.text)
        if given is None or given[1].lower() != b"basic":
            return given is not None
        return not base64.b64decode(given[2]).endswith(b":")


class HostileServer(Loopback):
    """Listens with a certificate, or in the clear; as a proxy it opens the tunnels that it is given.

    Attributes:
        seen: Every request.
        behaviour: What it does with one.
        target: Where it redirects to; the path is appended.
        inside: The certificate with which it opens a tunnel's TLS.
    """

    def __init__(
        self,
        certificates: Certificates | None,
        *,
        behaviour: Behaviour = "challenge",
        target: str = "",
        inside: Certificates | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(_HostileHandler, certificates)
        self.port = port
        self.behaviour: Behaviour = behaviour
        self.target = target
        self.inside = inside
        self.seen: list[Seen] = []


class _HostileHandler(Handler):
    @property
    def owner(self) -> HostileServer:
        owner = self.server.owner
        if not isinstance(owner, HostileServer):
            raise TypeError("this handler serves a HostileServer")
        return owner

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_CONNECT(self) -> None:
        self._note()
        self.send_response(HTTPStatus.OK)
        self.end_headers()
        if self.owner.inside is not None:
            with suppress(OSError):
                self._inside(self.owner.inside.server_context())
        self.close_connection = True

    def _inside(self, context: ssl.SSLContext) -> None:
        outer = self.rfile, self.wfile
        with context.wrap_socket(self.connection, server_side=True) as tunnel:
            with tunnel.makefile("rb") as self.rfile, tunnel.makefile("wb") as self.wfile:
                self.handle_one_request()
            self.rfile, self.wfile = outer

    def _note(self) -> bool:
        length = self.headers.get("Content-Length", "")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        text = self.requestline.encode() + b"\n" + bytes(self.headers) + body
        seen = Seen(self.headers.get("Host", ""), self.path, text)
        self.owner.seen.append(seen)
        return seen.authorised

    def _serve(self) -> None:
        authorised, owner = self._note(), self.owner
        if owner.behaviour == "alternates" and authorised:
            self._send_to_alternates(owner.target)
        elif owner.behaviour == "redirect" or (owner.behaviour == "challenge then redirect" and authorised):
            self._reply(HTTPStatus.FOUND, "Location", f"{owner.target}{self.path}")
        elif authorised:
            self._reply(HTTPStatus.FORBIDDEN, "X-Hostile", "thanks")
        else:
            self._reply(HTTPStatus.UNAUTHORIZED, "WWW-Authenticate", 'Basic realm="x"')

    def _send_to_alternates(self, target: str) -> None:
        """As a server without git's own protocol does it: one ref, whose objects lie elsewhere."""
        path = self.path.partition("?")[0]
        if path.endswith("/info/refs"):
            body = f"{'1' * 40}\trefs/heads/main\n"
        elif path.endswith("/objects/info/http-alternates"):
            body = f"{target}/x/objects\n"
        else:
            self._reply(HTTPStatus.NOT_FOUND, "X-Hostile", "elsewhere")
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def _reply(self, status: HTTPStatus, name: str, value: str) -> None:
        self.send_response(status)
        self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()
