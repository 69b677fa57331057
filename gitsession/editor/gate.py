"""The only way in to an editor: `python -m gitsession.editor.gate`, a process of its own.

Its settings come as one line of JSON on standard input, so that no secret is on a command line or in an
environment. Its parent asks it over a private socket; each connection carries one question and one answer:

    {"op": "mint"}                                    -> {"ok": true, "ticket": "…"}
    {"op": "allow", "url": "https://…", "host": null} -> {"ok": true}
    {"op": "forget", "url": "https://…"}              -> {"ok": true}
    {"op": "ping"}                                    -> {"ok": true, "pid": 4711, "port": 8080}
    {"op": "stop"}                                    -> {"ok": true}

Its standard input stays open as long as its parent lives. When that closes without a word, the parent was
killed: the gate ends, and before it everything of the editor that it is told to take along.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gitsession.editor import marked, page
from gitsession.editor.access import COOKIE_PREFIX, Origin, Verdict, cookie_of, is_upgrade, judge
from gitsession.editor.proxy import LONGEST_LINE, Proxy, Upstream
from gitsession.editor.tickets import COOKIE_LIFETIME, TICKET_LIFETIME, Password, Seal, Tickets

LONGEST_FORM = 4096
CLOSING_GRACE = 2.0


@dataclass(frozen=True)
class Settings:
    """What the gate is told at its start.

    Args:
        listener: The file descriptor of the bound and listening socket that it inherits.
        control: Where the parent's questions arrive.
        upstream: What stands behind it.
        key: Signs the cookies; hex.
        name: Tells the cookies of several gates on one host apart.
        password: Accepted beside tickets, where not empty.
        reloads: Whether its pages are an editor's, which reload by themselves after a restart.
        takes_along: The mark of the processes to end when the parent was killed; none where empty.
        ticket_lifetime: Seconds for which a ticket is good.
    """

    listener: int
    control: Path
    upstream: Upstream
    key: str = field(repr=False)
    name: str
    password: str = field(default="", repr=False)
    reloads: bool = False
    takes_along: str = ""
    ticket_lifetime: float = TICKET_LIFETIME

    @classmethod
    def parse(cls, line: str) -> Settings:
        """From the line of JSON on standard input."""
        given = json.loads(line)
        return cls(
            int(given["listener"]),
            Path(given["control"]),
            Upstream(**given["upstream"]),
            str(given["key"]),
            str(given["name"]),
            str(given.get("password", "")),
            bool(given.get("reloads")),
            str(given.get("takes_along", "")),
            float(given.get("ticket_lifetime", TICKET_LIFETIME)),
        )


class Gate:
    """Answers requests: its own few paths itself, everything else by the proxy once the cookie is right."""

    def __init__(self, settings: Settings, port: int) -> None:
        self.port = port
        self.stopped = asyncio.Event()
        self._proxy = Proxy(settings.upstream)
        self._tickets = Tickets(settings.ticket_lifetime)
        self._seal = Seal(bytes.fromhex(settings.key))
        self._password = Password(settings.password) if settings.password else None
        self._reloads = settings.reloads
        self._cookie = COOKIE_PREFIX + settings.name
        self._origins = frozenset(Origin.of(f"http://{host}:{port}") for host in ("127.0.0.1", "localhost"))

    async def close(self) -> None:
        """Let go of upstream."""
        await self._proxy.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        if request.headers.getall("Host", []) != [request.headers.get("Host")]:
            return _refusal(Verdict.WRONG_HOST)
        value = cookie_of("; ".join(request.headers.getall("Cookie", [])), self._cookie)
        signed_in = self._seal.accepts(value, time.time())
        verdict, origin = judge(self._origins, request.method, request.headers, signed_in=signed_in)
        if origin is None:
            return _refusal(verdict)
        if request.path.startswith(page.PREFIX):
            return await self._own(request, origin, signed_in)
        if verdict is not Verdict.PASS:
            return self._stranger(request)
        return await self._pass_on(request, origin)

    async def _pass_on(self, request: web.Request, origin: Origin) -> web.StreamResponse:
        try:
            if is_upgrade(request.headers):
                return await self._proxy.websocket(request, origin)
            return await self._proxy.http(request, origin, self._tag(request))
        except aiohttp.WSServerHandshakeError as refused:
            return web.Response(status=refused.status if refused.status >= 400 else 502)
        except (aiohttp.ClientError, asyncio.TimeoutError):
            return _unreachable(request)

    def _tag(self, request: web.Request) -> bytes:
        opened = request.method == "GET" and request.headers.get("Sec-Fetch-Dest") == "document"
        return page.RELOAD_TAG if opened and self._reloads else b""

    def _stranger(self, request: web.Request) -> web.StreamResponse:
        if request.method != "GET" or is_upgrade(request.headers) or not _wants_page(request):
            return _refusal(Verdict.SIGN_IN)
        body = page.sign_in(password=self._password is not None)
        return web.Response(status=401, text=body, content_type="text/html", headers=page.HEADERS)

    async def _own(self, request: web.Request, origin: Origin, signed_in: bool) -> web.StreamResponse:
        if request.path == page.SIGNED_IN and request.method == "GET":
            return web.Response(status=204 if signed_in else 401, headers=page.HEADERS)
        if request.path == page.SIGN_IN and request.method == "POST":
            return await self._sign_in(request, origin)
        if request.path == page.RELOAD_SCRIPT:
            return web.Response(text=page.RELOAD, content_type="text/javascript", headers=page.HEADERS)
        return web.Response(status=404, headers=page.HEADERS)

    async def _sign_in(self, request: web.Request, origin: Origin) -> web.StreamResponse:
        form = await _form(request)
        now = time.monotonic()
        if "password" in form and self._password is not None and self._password.too_many(now):
            return web.Response(status=429, headers={**page.HEADERS, "Retry-After": "60"})
        if not self._opens(form, now):
            return web.Response(status=403, headers=page.HEADERS)
        answer = web.Response(status=204, headers=page.HEADERS)
        answer.set_cookie(
            self._cookie,
            self._seal.issue(time.time()),
            path="/",
            max_age=int(COOKIE_LIFETIME),
            httponly=True,
            samesite="Strict",
            secure=origin.is_secure,
        )
        return answer

    def _opens(self, form: Mapping[str, Any], now: float) -> bool:
        ticket, password = form.get("ticket"), form.get("password")
        if isinstance(ticket, str):
            return self._tickets.redeem(ticket, now)
        return (
            isinstance(password, str) and self._password is not None and self._password.accepts(password, now)
        )

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one question of the parent."""
        match question.get("op"):
            case "mint":
                return {"ok": True, "ticket": self._tickets.mint(time.monotonic())}
            case "allow":
                self._origins |= {Origin.of(question["url"], question.get("host"))}
            case "forget":
                gone = Origin.of(question["url"]).origin
                self._origins = frozenset(known for known in self._origins if known.origin != gone)
            case "stop":
                self.stopped.set()
            case "ping":
                return {"ok": True, "pid": os.getpid(), "port": self.port}
            case _:
                return {"ok": False}
        return {"ok": True}


def _refusal(verdict: Verdict) -> web.Response:
    return web.Response(status=verdict.value, headers=page.HEADERS)


def _wants_page(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")


def _unreachable(request: web.Request) -> web.Response:
    if request.method == "GET" and _wants_page(request):
        return web.Response(status=502, text=page.waiting(), content_type="text/html", headers=page.HEADERS)
    return web.Response(status=502, headers=page.HEADERS)


async def _form(request: web.Request) -> Mapping[str, Any]:
    """What the sign-in page posted; hostile input is an empty form."""
    if request.content_type != "application/json":
        return {}
    body = await request.content.read(LONGEST_FORM)
    with suppress(ValueError, RecursionError):
        form = json.loads(body)
        return form if isinstance(form, dict) else {}
    return {}


async def _converse(gate: Gate, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one question of the parent; another user's is not even read."""
    with suppress(ConnectionError, ValueError):
        if _is_ours(writer):
            question = json.loads(await reader.readline())
            writer.write(json.dumps(gate.answer(question)).encode() + b"\n")
            await writer.drain()
    writer.close()


def _is_ours(writer: asyncio.StreamWriter) -> bool:
    """Whether the other end runs as this user; where SO_PEERCRED is unknown the socket's mode must do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[4:8], sys.byteorder) == os.getuid()


def application(gate: Gate) -> web.Application:
    """Everything goes to the gate's one handler; uploads are streamed, so their size is not limited here."""
    app = web.Application(
        handler_args={"max_line_size": LONGEST_LINE, "max_field_size": LONGEST_LINE, "access_log": None}
    )
    app.router.add_route("*", "/{path:.*}", gate.handle)
    return app


async def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    listener = socket.socket(fileno=settings.listener)
    gate = Gate(settings, listener.getsockname()[1])
    runner = web.AppRunner(application(gate), shutdown_timeout=CLOSING_GRACE)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    settings.control.unlink(missing_ok=True)
    control = await asyncio.start_unix_server(lambda r, w: _converse(gate, r, w), settings.control)
    settings.control.chmod(0o600)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, gate.stopped.set)
    asyncio.get_running_loop().add_reader(sys.stdin, _on_orphaned, gate, settings.takes_along)
    try:
        await gate.stopped.wait()
    finally:
        control.close()
        settings.control.unlink(missing_ok=True)
        await runner.cleanup()
        await gate.close()


def _on_orphaned(gate: Gate, takes_along: str) -> None:
    asyncio.get_running_loop().remove_reader(sys.stdin)
    if takes_along:
        marked.end(takes_along)
    gate.stopped.set()


def main() -> None:
    """Read the settings, then serve."""
    os.umask(0o077)
    settings = Settings.parse(sys.stdin.readline())
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
