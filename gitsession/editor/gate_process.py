"""The gate as its parent sees it: started with a bound port, asked over its private socket."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gitsession import run
from gitsession.editor import ports
from gitsession.editor.invocation import open_log
from gitsession.editor.tickets import TICKET_LIFETIME
from gitsession.errors import EditorError

ANSWER_TIMEOUT = 5.0
START_TIMEOUT = 20.0


class GateProcess:
    """One gate before one upstream, on an origin of its own.

    Args:
        control: Its private socket.
        upstream: `{"socket": path}` or `{"port": number}`.
        log: Where it prints.
        name: Tells its cookie from those of other gates.
        port: A named port on loopback; a free one for None.
        earlier_port: Taken instead of a free one where it is free still, so that pages find their way back.
        password: Accepted beside tickets, where not empty.
        reloads: Whether its pages are an editor's, which reload by themselves after a restart.
        key: Signs its cookies, hex; who gives the same one to a later gate keeps its guests signed in.
        takes_along: The mark of the processes that it ends when this process is killed.
        ticket_lifetime: Seconds for which a ticket is good.
    """

    def __init__(
        self,
        control: Path,
        upstream: Mapping[str, str | int],
        log: Path,
        *,
        name: str,
        port: int | None = None,
        earlier_port: int | None = None,
        password: str = "",
        reloads: bool = False,
        key: str = "",
        takes_along: str = "",
        ticket_lifetime: float = TICKET_LIFETIME,
    ) -> None:
        self._control = control
        self._upstream = dict(upstream)
        self._log = log
        self._name = name
        self._wanted_port = port
        self._earlier_port = earlier_port
        self._password = password
        self._reloads = reloads
        self._takes_along = takes_along
        self._ticket_lifetime = ticket_lifetime
        self._key = key or secrets.token_hex(32)
        self._listener: socket.socket | None = None
        self._process: run.Process | None = None
        self._allowed: dict[str, str | None] = {}
        self.port = port or 0

    @property
    def url(self) -> str:
        """Where it answers on this machine."""
        return f"http://{ports.LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Start it, or take over the one that an earlier parent started; safe to call again after it died.

        Raises:
            EditorError: The named port is taken, or the gate does not come up.
        """
        self.begin()
        self.ready()

    def begin(self) -> None:
        """Take the port and start it, without waiting for it: `ready` does.

        Raises:
            EditorError: The named port is taken.
        """
        if self._listener is None and self._take_over():
            return
        if self._listener is None:
            self._listener = self._listen()
            self.port = self._listener.getsockname()[1]
        self._end()
        self._process = self._spawn(self._listener.fileno())

    def ready(self) -> None:
        """Wait for it.

        Raises:
            EditorError: It does not come up.
        """
        self._await_control()
        for url, host in self._allowed.items():
            self._ask("allow", url=url, host=host)

    def _listen(self) -> socket.socket:
        if self._earlier_port and not self.port:
            with suppress(EditorError):
                return ports.listen(self._earlier_port)
        return ports.listen(self.port or self._wanted_port)

    def _take_over(self) -> bool:
        with suppress(EditorError):
            self.port = int(self._ask("ping")["port"])
            return True
        return False

    def _spawn(self, listener: int) -> run.Process:
        settings = {
            "listener": listener,
            "control": str(self._control),
            "upstream": self._upstream,
            "key": self._key,
            "name": self._name,
            "password": self._password,
            "reloads": self._reloads,
            "takes_along": self._takes_along,
            "ticket_lifetime": self._ticket_lifetime,
        }
        with os.fdopen(open_log(self._log), "wb") as output:
            process = run.start_own(
                "gitsession.editor.gate", stdout=output, stderr=output, pass_fds=(listener,)
            )
        if process.stdin is not None:  # it stays open: that it closes tells the gate that we are gone
            with suppress(BrokenPipeError):  # it ended at once, which whoever awaits it finds out
                process.stdin.write(json.dumps(settings).encode() + b"\n")
                process.stdin.flush()
        return process

    def _await_control(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self.is_running():
            if self._process is not None and self._process.poll() is not None:
                raise EditorError("The editor's gate ended while starting.", hint=f"See {self._log}.")
            if time.monotonic() > deadline:
                raise EditorError("The editor's gate did not start in time.", hint=f"See {self._log}.")
            time.sleep(0.03)

    def is_running(self) -> bool:
        """Whether it answers its parent."""
        try:
            return bool(self._ask("ping")["ok"])
        except EditorError:
            return False

    def pid(self) -> int:
        """Its process id.

        Raises:
            EditorError: It does not answer.
        """
        return int(self._ask("ping")["pid"])

    def mint(self) -> str:
        """A ticket: one use, ten minutes."""
        return str(self._ask("mint")["ticket"])

    def allow(self, url: str, host: str | None = None) -> None:
        """Answer under a further origin, such as a tunnel's; `host` where that rewrites the Host header."""
        self._allowed[url] = host
        self._ask("allow", url=url, host=host)

    def forget(self, url: str) -> None:
        """Answer no more under an origin."""
        self._allowed.pop(url, None)
        self._ask("forget", url=url)

    def stop(self) -> None:
        """End it and give the port back."""
        with suppress(EditorError):
            self._ask("stop")
        if self._process is not None:
            run.has_ended(self._process, ANSWER_TIMEOUT)
        self._end()
        self._await_silence()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _end(self) -> None:
        if self._process is not None:
            run.end_group(self._process)
            if self._process.stdin is not None:
                with suppress(BrokenPipeError):
                    self._process.stdin.close()

    def _await_silence(self) -> None:
        deadline = time.monotonic() + ANSWER_TIMEOUT
        while self.is_running() and time.monotonic() < deadline:
            time.sleep(0.03)

    def _ask(self, op: str, **fields: object) -> dict[str, Any]:
        question = json.dumps({"op": op, **fields}).encode() + b"\n"
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(ANSWER_TIMEOUT)
                connection.connect(str(self._control))
                connection.sendall(question)
                answer = connection.makefile("rb").readline()
        except OSError as error:
            raise EditorError("The editor's gate does not answer.", hint="Open the session again.") from error
        if not answer:
            raise EditorError("The editor's gate hung up.", hint="Open the session again.")
        return dict(json.loads(answer))
