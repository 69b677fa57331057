"""One editor of one session: installed, started, kept alive, reached through its gate, ended as a whole."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from gitsession.editor import settings
from gitsession.editor.back_off import BackOff
from gitsession.editor.code_server import CodeServer
from gitsession.editor.gate_process import GateProcess
from gitsession.editor.install import Installed
from gitsession.editor.invocation import Begun
from gitsession.editor.server import Layout, Server, await_answer
from gitsession.errors import EditorError, GitsessionError
from gitsession.files import write_atomically

PATIENCE = 3
CHECK_INTERVAL = 1.0

Problem: TypeAlias = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What an editor is made of.

    Args:
        folder: The folder that it opens.
        state: A private folder of ours on local disk, with a short name.
        environment: The complete environment of the editor and its terminals; secrets in it are left out.
        trusted: Whether the folder may run code of its own accord; if not, it opens in Restricted Mode.
        port: A named port on loopback; a free one for None.
        password: Accepted by the gate beside tickets, where not empty.
        extensions: Extensions to install in the background: names of the gallery, or paths of .vsix files.
        settings: User settings that are written where the user has none of that name.
        key: Signs the gate's cookies, hex; the same one keeps guests signed in over a restart of everything.
    """

    folder: Path
    state: Path
    environment: Mapping[str, str]
    trusted: bool = False
    port: int | None = None
    password: str = field(default="", repr=False)
    extensions: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    key: str = field(default="", repr=False)


def _quiet(problem: str) -> None:
    pass


class Editor:
    """code-server, or what `serve` makes instead of it, behind a gate.

    Args:
        plan: What it is made of.
        install: Brings code-server here; called by `start`.
        serve: Makes the server from the installation; `CodeServer` by default.
        report: Told of each problem and each recovery, in one sentence.
        begun: A server that may have been started for this plan already.

    Example:
        >>> editor = Editor(plan, lambda: install.ensure(cache, default_sources()))  # doctest: +SKIP
        >>> editor.start(); print(editor.link())  # doctest: +SKIP
    """

    def __init__(
        self,
        plan: Plan,
        install: Callable[[], Installed],
        *,
        serve: Callable[[Plan, Layout, Installed], Server] | None = None,
        report: Problem = _quiet,
        begun: Begun | None = None,
    ) -> None:
        self._plan = plan
        self._begun = begun
        self._install = install
        self._serve = serve or code_server
        self._report = report
        self.layout = Layout(plan.state)
        self._server: Server | None = None
        self._installed: Installed | None = None
        self._gate = _gate(self.layout, plan)
        self._exposed: dict[int, GateProcess] = {}
        self._public: str | None = None
        self._healthy = False
        self._stopping = threading.Event()
        self._supervisor: threading.Thread | None = None

    def start(self) -> None:
        """Install where needed, start, and wait until it answers; one that runs already is taken over.

        Raises:
            EditorError: It cannot be installed or does not start, or the named port is taken.
        """
        self.layout.create()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        self._gate.begin()
        write_atomically(self.layout.port, str(self._gate.port).encode())
        installed = self._install()
        settings.write_defaults(self.layout.user, self._plan.settings)
        server = self._server = self._serve(self._plan, self.layout, installed)
        if not self._is_there(server):
            server.start()
        await_answer(server)
        self._gate.ready()
        self._healthy = True
        self._supervisor = threading.Thread(target=self._supervise, name="editor", daemon=True)
        self._supervisor.start()
        self._installed = installed
        self.add_extensions(self._plan.extensions)

    def _is_there(self, server: Server) -> bool:
        """Whether it runs already: begun for this plan and no other, or left by an earlier parent."""
        return server.answers() if self._begun is None else server.take_over(self._begun)

    def healthy(self) -> bool:
        """Whether server and gate answered when they were last asked, at most a second or so ago."""
        return self._healthy

    def url(self) -> str:
        """Where the editor answers, without a ticket: the tunnel's address, else loopback."""
        return self._public or self._gate.url

    def local_url(self) -> str:
        """Where the editor answers on this machine."""
        return self._gate.url

    def gate_pid(self) -> int:
        """The gate's process id.

        Raises:
            EditorError: The gate does not answer.
        """
        return self._gate.pid()

    def mint_ticket(self) -> str:
        """A ticket that opens the gate once within ten minutes.

        Raises:
            EditorError: The gate does not answer.
        """
        return self._gate.mint()

    def link(self) -> str:
        """A link that signs in: the ticket is in its fragment, which no server and no log sees."""
        return f"{self.url()}/#ticket={self.mint_ticket()}"

    def publish(self, url: str, host: str | None = None) -> None:
        """Answer under a tunnel's address; `host` where the tunnel rewrites the Host header."""
        self._gate.allow(url, host)
        self._public = url.rstrip("/")

    def withdraw(self) -> None:
        """Answer on loopback only: the tunnel is gone."""
        if self._public is not None:
            self._gate.forget(self._public)
            self._public = None

    def expose(self, port: int) -> GateProcess:
        """A gate of its own, on an origin of its own, before a port on which the user's program listens."""
        if port not in self._exposed:
            control = self.layout.directory / f"e{port}.sock"
            gate = GateProcess(control, {"port": port}, self.layout.log, name=_cookie_name(control))
            gate.start()
            self._exposed[port] = gate
        return self._exposed[port]

    def stop(self) -> None:
        """End the gate, every exposed port, the server, and all processes that were started in it."""
        self._stopping.set()
        if self._supervisor is not None:
            self._supervisor.join()
        for gate in (*self._exposed.values(), self._gate):
            gate.stop()
        if self._server is not None:
            self._server.stop()
        self._exposed.clear()
        self._healthy = False

    def _supervise(self) -> None:
        back_off, missed, since = BackOff(), 0, time.monotonic()
        while not self._stopping.wait(CHECK_INTERVAL):
            self._keep_gates()
            missed = 0 if self._server_answers() else missed + 1
            self._healthy = missed == 0
            if missed >= PATIENCE or not self._server_runs():
                back_off = back_off.after(time.monotonic() - since)
                self._report(f"The editor stopped; it is started again in {back_off.delay:g} s.")
                self._healthy = False
                if self._stopping.wait(back_off.delay):
                    return
                self._restart()
                missed, since = 0, time.monotonic()

    def _server_answers(self) -> bool:
        return self._server is not None and self._server.answers()

    def _server_runs(self) -> bool:
        return self._server is not None and self._server.is_running()

    def _restart(self) -> None:
        if self._server is None:
            return
        try:
            self._server.start()
            await_answer(self._server)
        except (OSError, GitsessionError) as error:
            self._report(f"The editor did not start again: {error}")
            return
        self._healthy = True
        self._report("The editor is back.")

    def _keep_gates(self) -> None:
        for gate in (self._gate, *self._exposed.values()):
            if not gate.is_running():
                with suppress(EditorError):
                    gate.start()
                    self._report("The editor's gate is back.")

    def add_extensions(self, extensions: Sequence[str]) -> None:
        """Install extensions beside the running server, in the background; a problem is reported."""
        installed = self._installed
        if installed is not None and extensions:
            self._in_background(lambda: self._install_extensions(installed, extensions))

    def _install_extensions(self, installed: Installed, extensions: Sequence[str]) -> None:
        for extension in extensions:
            try:
                settings.install_extension(installed, self.layout, self._plan.environment, extension)
            except EditorError as error:
                self._report(error.what)

    def _in_background(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="editor-extensions", daemon=True).start()


def code_server(plan: Plan, layout: Layout, installed: Installed) -> CodeServer:
    """code-server on the plan's folder."""
    return CodeServer(installed, plan.folder, layout, plan.environment, plan.trusted)


def _gate(layout: Layout, plan: Plan) -> GateProcess:
    return GateProcess(
        layout.control,
        {"socket": str(layout.socket)},
        layout.log,
        name=_cookie_name(layout.control),
        port=plan.port,
        earlier_port=_earlier_port(layout),
        password=plan.password,
        reloads=True,
        key=plan.key,
        takes_along=layout.mark,
    )


def _earlier_port(layout: Layout) -> int | None:
    try:
        return int(layout.port.read_text())
    except (OSError, ValueError):
        return None


def _cookie_name(control: Path) -> str:
    return hashlib.sha256(str(control).encode("utf-8", "surrogateescape")).hexdigest()[:12]
