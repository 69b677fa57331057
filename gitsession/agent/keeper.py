"""The keeper: holds the token in memory, answers git, and keeps the agent running.

It imports little, since it lives as long as the session and only waits.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

from gitsession import run
from gitsession.agent import configuration as settings
from gitsession.agent import control, orphans
from gitsession.agent.configuration import Configuration, Secrets
from gitsession.agent.control import Operation, Request, Server
from gitsession.agent.launching import LOAD, detach
from gitsession.agent.log import Log
from gitsession.agent.places import Places, home
from gitsession.agent.token import HeldToken, credential_operation
from gitsession.editor.invocation import Begun, Invocation
from gitsession.errors import AgentError

READY = b"ready"  # what it says once it answers
LOCK_PATIENCE = 15.0
STOP_LIMIT = 60.0  # seconds that an agent has for its last flush
FIRST_PAUSE = 0.5
MAX_PAUSE = 60.0
HEALTHY = 300.0  # seconds after which a crash counts as the first one again


class Keeper:
    """One session's keeper, in the process that it has for itself.

    Args:
        places: The session's local state.
        configuration: The session.
        secrets: What `open` handed over.
        loaded: The first agent, which waits for the session's key.
        begun: The editor's server, where `open` had it started; the first agent goes on with it.
    """

    def __init__(
        self,
        places: Places,
        configuration: Configuration,
        secrets: Secrets,
        loaded: run.Process,
        begun: Begun | None,
    ) -> None:
        self._places = places
        self._configuration = configuration
        self._secrets = secrets
        self._editor_key = os.urandom(32).hex()  # a restarted agent's editor still knows its guests
        hidden = (secrets.token, secrets.password, secrets.tunnel_token, secrets.tunnel_auth)
        self._log = Log(places.keeper_log, hidden)
        self._token = HeldToken(secrets.token, configuration.token_command, self._log)
        self._loaded: run.Process | None = loaded
        self._begun = begun
        self._agent: run.Process | None = None
        self._asker = 0
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._server = Server(places.keeper_socket, self._operations(), self._report)

    def run(self, word: int) -> int:
        """Answer and keep the agent running until it ends by itself or is told to.

        Args:
            word: The descriptor on which to say that it answers now.
        """
        orphans.adopt()
        self._server.start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: orphans.reap())
        os.write(word, READY)
        os.close(word)
        self._log.write("keeper started", pid=os.getpid())
        self._token.find()
        try:
            self._keep_running()
        finally:
            self._ended.set()
            self._server.stop(drain=2.0)
            self._log.write("keeper ended")
        return 0

    def _keep_running(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            code = self._run_agent()
            orphans.end(self._asker)
            self._places.agent_socket.unlink(missing_ok=True)
            if code == 0 or not self._places.configuration.exists():
                return
            self._log.write("agent crashed", code=code, pause=pause)
            pause = FIRST_PAUSE if time.monotonic() - began > HEALTHY else pause
            self._stopping.wait(pause)
            pause = min(MAX_PAUSE, pause * 2)

    def _run_agent(self) -> int:
        """Run the agent once; its standard input stays open as long as this process lives."""
        self._agent, self._loaded = self._loaded or _load_agent(), None
        begun, self._begun = self._begun, None
        _tell(self._agent, f"{self._places.key} {begun or ''}")
        if self._stopping.is_set():
            self._agent.terminate()
        code = self._agent.wait()
        if self._agent.stdin is not None:
            self._agent.stdin.close()
        return code

    def _renew_token(self, _request: Request) -> Mapping[str, Any]:
        """The token is refused: the agent is told where the user's own command has another."""
        return {"tries": self._token.renew(self._tell_agent)}

    def _tell_agent(self) -> None:
        with suppress(AgentError):
            control.ask(self._places.agent_socket, "token-given", timeout=STOP_LIMIT)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._stopping.set()
        agent = self._agent
        if agent is not None and agent.poll() is None:
            agent.terminate()
            timer = threading.Timer(STOP_LIMIT, self._end_now)
            timer.daemon = True
            timer.start()

    def _end_now(self) -> None:
        if self._agent is not None and not self._ended.is_set():
            self._log.write("agent did not end in time")
            run.signal_group(self._agent.pid, signal.SIGKILL)

    def _operations(self) -> Mapping[str, Operation]:
        address, fork = self._configuration.address, self._configuration.fork
        return {
            "ping": self._ping,
            "credential": credential_operation(address, fork, lambda: self._token.now),
            "token": lambda _: {"token": self._token.text},
            "secrets": lambda _: {
                "password": self._secrets.password,
                "tunnel_token": self._secrets.tunnel_token,
                "tunnel_auth": self._secrets.tunnel_auth,
                "editor_key": self._editor_key,
            },
            "set-token": self._set_token,
            "renew-token": self._renew_token,
            "set-tunnel-token": self._set_tunnel_token,
            "stop": self._stop,
        }

    def _ping(self, _request: Request) -> Mapping[str, Any]:
        agent = self._agent.pid if self._agent is not None else 0
        return {"pid": os.getpid(), "agent": agent, "stopping": self._stopping.is_set()}

    def _set_tunnel_token(self, request: Request) -> Mapping[str, Any]:
        """An authtoken that the person gave after the session was opened; an agent to come asks for it."""
        token = request.text("token")
        self._log.hide(token)
        self._secrets = replace(self._secrets, tunnel_token=token)
        return {}

    def _set_token(self, request: Request) -> Mapping[str, Any]:
        self._token.set(request.optional_text("token"))
        return {}

    def _stop(self, request: Request) -> Mapping[str, Any]:
        """End everything; answers once the agent has ended, with what it could not save anywhere else.

        Who asks may come from the editor's terminal, which ends too: they have more to do, and are spared.
        """
        flush = request.flag("flush", True)
        limit = request.number("seconds", STOP_LIMIT, most=600.0)
        self._asker = int(request.number("pid", 0, most=2**31))
        self._stopping.set()
        missing: Any = []
        try:
            said = control.ask(
                self._places.agent_socket, "close", timeout=limit + 10.0, flush=flush, seconds=limit
            )
            missing = said.get("missing", [])
        except AgentError as error:
            self._log.failure("agent did not close", error)
            self._on_signal(signal.SIGTERM, None)
        if not self._ended.wait(limit + 10.0):
            self._end_now()
        return {"missing": missing}

    def _report(self, error: Exception) -> None:
        self._log.failure("mistake", error)


def _load_agent() -> run.Process:
    """Start an agent: it loads its code, and waits on its standard input for the session's key and editor."""
    return run.start_own("gitsession.agent.main")


def _tell(agent: run.Process, line: str) -> None:
    if agent.stdin is not None:
        with suppress(BrokenPipeError):  # it died already, and another one is started
            agent.stdin.write(f"{line}\n".encode())
            agent.stdin.flush()


def main() -> int:
    """The keeper's process, which waits on standard input for what it is to do, a line each.

    There comes the invocation of the editor's server, where that can be started already; a word at which the
    agent's code is loaded; then the session's key, and its secrets.
    """
    os.umask(0o077)
    given = os.fdopen(os.dup(0), "rb")
    word = detach()
    with ExitStack() as unneeded, given:
        begun, line = None, given.readline()
        if line.startswith(b"{"):
            begun, line = _begin_editor(Invocation.from_bytes(line), unneeded), given.readline()
        loaded = _load_agent()
        unneeded.callback(run.end_group, loaded, grace=0.0)
        line = given.readline() if line == LOAD else line
        key, secrets = line.decode().strip(), Secrets.from_bytes(given.read())
        return _keep(key, secrets, loaded, begun, word, unneeded)


def _begin_editor(invocation: Invocation, unneeded: ExitStack) -> Begun | None:
    try:
        server = invocation.start()
    except OSError:  # the agent tries again, and says why
        return None
    unneeded.callback(run.end_group, server)
    return Begun(server.pid, invocation.digest)


def _keep(
    key: str, secrets: Secrets, loaded: run.Process, begun: Begun | None, word: int, unneeded: ExitStack
) -> int:
    if not key:  # who started it has no session for it, or is gone
        return 1
    places = Places(key, home())
    try:
        if _lock(places) is None:
            os.write(word, READY)
            return 0
        keeper = Keeper(places, settings.load(places), secrets, loaded, begun)
        unneeded.pop_all()
        return keeper.run(word)
    except BaseException as error:
        Log(places.keeper_log, (secrets.token,)).failure("keeper failed", error)
        with suppress(OSError):
            said = error.what if isinstance(error, AgentError) else type(error).__name__
            os.write(word, said.encode())
        return 1


def _lock(places: Places) -> int | None:
    """Hold the session's lock for the life of this process; None where another keeper runs for good.

    Raises:
        AgentError: A keeper that is about to end does not.
    """
    lock = os.open(places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _runs(places):
                return None
            if time.monotonic() > deadline:
                raise AgentError(
                    "another keeper holds the session and does not answer",
                    hint="Run `gitsession close`, then open the session again.",
                ) from None
            time.sleep(0.05)
        else:
            return lock


def _runs(places: Places) -> bool:
    try:
        return not control.ask(places.keeper_socket, "ping", timeout=2.0)["stopping"]
    except AgentError:
        return False
