"""Passes HTTP and WebSocket on to what stands behind the gate, streaming both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gitsession.editor.access import COOKIE_PREFIX, Origin, without_our_cookies

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
FORWARDING = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})
HANDSHAKE = frozenset(
    {"sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol"}
)
CHUNK = 256 * 1024
CONNECT_TIMEOUT = 10.0
HEARTBEAT = 30.0
LONGEST_LINE = 64 * 1024

Socket: TypeAlias = "web.WebSocketResponse[Any] | aiohttp.ClientWebSocketResponse[Any]"


@dataclass(frozen=True)
class Upstream:
    """What stands behind the gate: a Unix socket, or a port on loopback.

    Args:
        socket: The path of a Unix socket, or empty.
        port: A port on 127.0.0.1, where there is no socket.
    """

    socket: str = ""
    port: int = 0

    @property
    def base(self) -> str:
        """The URL that requests are sent to."""
        return "http://localhost" if self.socket else f"http://127.0.0.1:{self.port}"

    def connector(self) -> aiohttp.BaseConnector:
        """A fresh pool of connections, without a limit: a browser holds many open."""
        if self.socket:
            return aiohttp.UnixConnector(self.socket, limit=0)
        return aiohttp.TCPConnector(limit=0)


def _dropped(headers: CIMultiDictProxy[str], further: Iterable[str]) -> frozenset[str]:
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    return HOP_BY_HOP | named | frozenset(further)


def request_headers(headers: CIMultiDictProxy[str], origin: Origin, *, upgrade: bool) -> CIMultiDict[str]:
    """The headers for upstream: no hop-by-hop ones, no cookie of ours, the origin as the browser sees it."""
    dropped = _dropped(headers, FORWARDING | {"host", "cookie"} | (HANDSHAKE if upgrade else frozenset()))
    passed = CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in dropped)
    cookies = without_our_cookies("; ".join(headers.getall("Cookie", [])))
    if cookies:
        passed["Cookie"] = cookies
    passed["Host"] = passed["X-Forwarded-Host"] = origin.netloc
    passed["X-Forwarded-Proto"] = "https" if origin.is_secure else "http"
    return passed


def response_headers(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """The headers for the browser: no hop-by-hop ones, and nothing that sets a cookie of a gate."""
    dropped = _dropped(headers, ())
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in dropped
        and not (name.lower() == "set-cookie" and value.strip().startswith(COOKIE_PREFIX))
    )


class Proxy:
    """One pool of connections to one upstream."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._session = aiohttp.ClientSession(
            connector=upstream.connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            read_bufsize=CHUNK,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    def _target(self, request: web.Request) -> URL:
        return URL(self._upstream.base + request.raw_path, encoded=True)

    async def http(self, request: web.Request, origin: Origin, tag: bytes = b"") -> web.StreamResponse:
        """Pass one request on and stream its answer back; `tag` goes into the head of a page.

        Raises:
            aiohttp.ClientError: Upstream does not answer.
        """
        headers = request_headers(request.headers, origin, upgrade=False)
        if tag:
            headers.popall("Accept-Encoding", None)
        async with self._session.request(
            request.method,
            self._target(request),
            headers=headers,
            data=request.content.iter_chunked(CHUNK) if request.body_exists else None,
            allow_redirects=False,
        ) as answer:
            if tag and answer.content_type == "text/html" and answer.status == 200:
                return await _tagged(answer, tag)
            return await _stream(request, answer)

    async def websocket(self, request: web.Request, origin: Origin) -> web.StreamResponse:
        """Open a WebSocket to upstream, then to the browser, and carry messages until one of them closes.

        Raises:
            aiohttp.ClientError: Upstream does not answer, or refuses the upgrade.
        """
        asked = request.headers.get("Sec-WebSocket-Protocol", "")
        async with self._session.ws_connect(
            self._target(request),
            headers=request_headers(request.headers, origin, upgrade=True),
            protocols=[name.strip() for name in asked.split(",") if name.strip()],
            max_msg_size=0,
            heartbeat=HEARTBEAT,
        ) as behind:
            chosen = [behind.protocol] if behind.protocol else []
            before = web.WebSocketResponse(protocols=chosen, max_msg_size=0, heartbeat=HEARTBEAT)
            await before.prepare(request)
            await _carry(before, behind)
            return before


async def _stream(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    response.headers.extend(response_headers(answer.headers))
    await response.prepare(request)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


async def _tagged(answer: aiohttp.ClientResponse, tag: bytes) -> web.StreamResponse:
    headers = response_headers(answer.headers)
    for name in ("Content-Length", "ETag"):
        headers.popall(name, None)
    body = (await answer.read()).replace(b"<head>", b"<head>" + tag, 1)
    return web.Response(status=answer.status, body=body, headers=headers)


async def _carry(before: Socket, behind: Socket) -> None:
    pumps = [asyncio.ensure_future(_pump(before, behind)), asyncio.ensure_future(_pump(behind, before))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        await before.close(code=_code(behind))
        await behind.close(code=_code(before))


def _code(closed: Socket) -> int:
    """The code that the other side may be told: 1005 and 1006 never travel (RFC 6455, 7.4.1)."""
    code = closed.close_code
    return 1001 if code is None or code in (1005, 1006) else code


async def _pump(source: Socket, sink: Socket) -> None:
    """Carry messages one way; a slow reader holds the sender back, since each send waits for the buffer."""
    async for message in source:
        try:
            if message.type is aiohttp.WSMsgType.TEXT:
                await sink.send_str(message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                await sink.send_bytes(message.data)
        except ConnectionError:
            return
