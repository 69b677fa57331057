"""Stands for a program behind the gate: answers what it was asked, echoes WebSocket messages, streams.

It checks nothing itself, as code-server with `--auth none` does not, so that whatever reaches it got past the
gate. It does not imitate any route of an editor.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path
from types import TracebackType

from aiohttp import WSMsgType, web

SECRET = "what only the signed in may see"


class Upstream:
    """A server in a thread of its own, on a Unix socket; counts what reached it."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.reached = 0
        self.close_codes: list[int | None] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="upstream")

    def __enter__(self) -> Upstream:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.UnixSite(runner, str(self.socket)).start()
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.reached += 1
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._echo(request)
        if request.path == "/stream":
            return await self._stream(request)
        if request.path == "/sets-cookies":
            return web.Response(headers=[("Set-Cookie", "theirs=1"), ("Set-Cookie", "gitsession-evil=1")])
        digest = hashlib.sha256()
        async for chunk in request.content.iter_chunked(1 << 16):
            digest.update(chunk)
        return web.json_response(
            {
                "secret": SECRET,
                "method": request.method,
                "path": request.raw_path,
                "headers": {name.lower(): value for name, value in request.headers.items()},
                "sha256": digest.hexdigest(),
            },
            headers={"Keep-Alive": "timeout=5", "X-Theirs": "yes"},
        )

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """The first half at once, the second once somebody asks for anything else."""
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        before = self.reached
        while self.reached == before:
            await asyncio.sleep(0.01)
        await response.write(b"second")
        return response

    async def _echo(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("editor",), max_msg_size=0)
        await socket.prepare(request)
        await socket.send_str(SECRET)
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.data == "close 4001":
                await socket.close(code=4001)
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        self.close_codes.append(socket.close_code)
        return socket
