"""A network that fails: a TCP proxy on loopback with latency, low bandwidth, cuts, stalls and lost replies.

Stands for the way between a runtime and GitHub. It passes bytes without understanding them, so TLS goes
through end to end. Does not imitate: packet loss (TCP hides it), DNS, or a proxy that breaks TLS open.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

from typing_extensions import Self

Direction = Literal["up", "down"]
Action = Literal["none", "cut", "reset", "hold", "swallow", "lose-reply"]
CHUNK = 16 * 1024
QUEUED = 64
SILENCE = 0.2
POLL = 0.01


@dataclass(frozen=True)
class Conditions:
    """What the network does.

    Attributes:
        latency: Seconds that every byte travels, in each direction.
        bandwidth: Bytes a second in each direction; None is no limit.
        action: What befalls a connection: `cut` closes both ends; `reset` resets them; `hold` lets no byte
            pass until the conditions change; `swallow` makes bytes of both directions vanish while both ends
            stay open (half-open); `lose-reply` passes what the client sends, loses the answer, then cuts.
        direction: Whose bytes `after` counts: `up` are the client's, `down` the server's.
        after: Bytes of a connection that pass before the action; the bytes up to it do arrive.
        times: How many connections it befalls; None is all.
    """

    latency: float = 0.0
    bandwidth: float | None = None
    action: Action = "none"
    direction: Direction = "up"
    after: int = 0
    times: int | None = None


CLEAR = Conditions()


@dataclass
class Link:
    """One connection: how many bytes arrived in each direction, and what befell it."""

    up: int = 0
    down: int = 0
    fate: Action = "none"
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    silent_since: float | None = None

    def passed(self, direction: Direction) -> int:
        """Bytes that arrived in a direction."""
        return self.up if direction == "up" else self.down

    def add(self, direction: Direction, size: int) -> None:
        """Count bytes that arrived."""
        setattr(self, direction, self.passed(direction) + size)

    def drops(self, direction: Direction) -> bool:
        """Whether bytes of a direction vanish."""
        return self.fate == "swallow" or (self.fate == "lose-reply" and direction == "down")

    def close(self, *, reset: bool = False) -> None:
        """Close both ends."""
        for writer in self.writers:
            connection = writer.get_extra_info("socket")
            if reset and connection is not None:
                with suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class FaultProxy:
    """A proxy in front of one port of 127.0.0.1; a context manager.

    libcurl, and so git, tries once more by itself when a connection that it reuses ends before any answer.

    Attributes:
        links: Every connection so far, with the bytes that arrived: measure a good run to know where to cut.

    Example:
        >>> with FaultProxy(git_server.port) as proxy:
        ...     proxy.conditions = Conditions(action="cut", after=4000, times=1)
        ...     git(work, "push", proxy.through(git_server.url()))
    """

    def __init__(self, port: int) -> None:
        self.upstream = port
        self.port = 0
        self.links: list[Link] = []
        self._conditions = CLEAR
        self._befallen = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy")
        self._server: asyncio.Server | None = None

    @property
    def conditions(self) -> Conditions:
        """What the network does now; set it at any time, also for open connections."""
        return self._conditions

    @conditions.setter
    def conditions(self, conditions: Conditions) -> None:
        self._befallen = 0
        self._conditions = conditions

    def through(self, url: str) -> str:
        """The same address, by way of this proxy."""
        return url.replace(f":{urlsplit(url).port}", f":{self.port}", 1)

    def start(self) -> None:
        """Listen, on a port of its own, or on that of last time."""
        self._thread.start()
        self._wait(self._listen())

    def refuse(self) -> None:
        """Refuse new connections and cut the open ones, until `accept`."""
        self._wait(self._unlisten())

    def accept(self) -> None:
        """Accept connections again, on the same port."""
        self._wait(self._listen())

    def stop(self) -> None:
        """Cut everything and end."""
        self._wait(self._unlisten())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _unlisten(self) -> None:
        if self._server:
            self._server.close()
        for link in self.links:
            link.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(writers=[writer])
        self.links.append(link)
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
            link.writers.append(server_writer)
            up = self._carry(link, "up", reader, server_writer)
            await asyncio.gather(up, self._carry(link, "down", server_reader, writer), self._end_lost(link))
        except (OSError, asyncio.CancelledError):
            link.close()
        finally:
            if link.fate != "swallow":
                link.close()

    async def _carry(
        self, link: Link, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Read as fast as bytes come, deliver as late as the latency wants."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUED)
        delivery = asyncio.ensure_future(self._deliver(link, direction, on_the_way, writer))
        try:
            while data := await reader.read(CHUNK):
                await on_the_way.put((self._loop.time() + self._conditions.latency, data))
            await on_the_way.put((self._loop.time() + self._conditions.latency, b""))
            await delivery
        finally:
            delivery.cancel()

    async def _deliver(
        self,
        link: Link,
        direction: Direction,
        on_the_way: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
    ) -> None:
        while True:
            due, data = await on_the_way.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            if not data:
                break
            await self._pass(link, direction, data, writer)
        if not link.drops(direction) and writer.can_write_eof():
            writer.write_eof()

    async def _pass(
        self, link: Link, direction: Direction, data: bytes, writer: asyncio.StreamWriter
    ) -> None:
        conditions = self._conditions
        room = self._room(link, direction, conditions)
        if room is not None and room < len(data):
            await self._send(link, direction, data[:room], writer)
            await self._befall(link, conditions)
            data = data[room:]
        await self._send(link, direction, data, writer)

    def _room(self, link: Link, direction: Direction, conditions: Conditions) -> int | None:
        """How many bytes may pass before the action; None when none is due on this connection."""
        spent = conditions.times is not None and self._befallen >= conditions.times
        if conditions.action == "none" or conditions.direction != direction or link.fate != "none" or spent:
            return None
        return max(0, conditions.after - link.passed(direction))

    async def _befall(self, link: Link, conditions: Conditions) -> None:
        self._befallen += 1
        link.fate = conditions.action
        if conditions.action in ("cut", "reset"):
            link.close(reset=conditions.action == "reset")
            raise ConnectionAbortedError(conditions.action)
        while conditions.action == "hold" and self._conditions is conditions:
            await asyncio.sleep(POLL)

    async def _send(
        self, link: Link, direction: Direction, data: bytes, writer: asyncio.StreamWriter
    ) -> None:
        if not data:
            return
        if link.drops(direction):
            link.silent_since = self._loop.time()
            return
        if self._conditions.bandwidth:
            await asyncio.sleep(len(data) / self._conditions.bandwidth)
        writer.write(data)
        await writer.drain()
        link.add(direction, len(data))

    async def _end_lost(self, link: Link) -> None:
        """Cut a connection whose answer vanished once the server has fallen silent."""
        while not all(writer.transport.is_closing() for writer in link.writers):
            await asyncio.sleep(POLL)
            silent = self._loop.time() - (link.silent_since or self._loop.time())
            if link.fate == "lose-reply" and silent > SILENCE:
                raise ConnectionAbortedError("lose-reply")
