"""Runs an editor's server on a private socket, asks after its health, and ends all that it started."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gitsession import run
from gitsession.editor import marked
from gitsession.editor.invocation import Begun, Invocation
from gitsession.errors import EditorError
from gitsession.files import make_directory

START_TIMEOUT = 60.0
ANSWER_TIMEOUT = 5.0
LONGEST_SOCKET_PATH = 100


class Server(Protocol):
    """What stands behind the gate and is supervised."""

    @property
    def socket(self) -> Path:
        """The Unix socket that it listens on."""

    def start(self) -> None:
        """Start it; returns at once."""

    def take_over(self, begun: Begun) -> bool:
        """Go on with one that was started already, where it is what `start` would give; else it is ended."""

    def is_running(self) -> bool:
        """Whether its process lives."""

    def answers(self) -> bool:
        """Whether it answers a request."""

    def stop(self) -> None:
        """End it and all that it started."""


@dataclass(frozen=True)
class Layout:
    """Where one editor keeps its things: a private folder on local disk."""

    directory: Path

    @property
    def socket(self) -> Path:
        """The server's socket."""
        return self.directory / "s.sock"

    @property
    def control(self) -> Path:
        """The gate's control socket."""
        return self.directory / "g.sock"

    @property
    def port(self) -> Path:
        """The port that the gate had last."""
        return self.directory / "port"

    @property
    def user(self) -> Path:
        """code-server's user data: settings, keybindings, state."""
        return self.directory / "user"

    @property
    def extensions(self) -> Path:
        """Installed extensions."""
        return self.directory / "extensions"

    @property
    def log(self) -> Path:
        """What the server and the gate print."""
        return self.directory / "editor.log"

    @property
    def mark(self) -> str:
        """The value by which all processes of this editor are found."""
        return str(self.directory)

    def create(self) -> None:
        """Make the folders, all private.

        Raises:
            EditorError: The folder's name is too long for a socket.
        """
        if len(os.fsencode(self.socket)) >= LONGEST_SOCKET_PATH:
            raise EditorError(
                f"{self.directory} is too long a name for a socket.",
                hint="Set GITSESSION_HOME to a shorter folder.",
            )
        for folder in (self.directory, self.user, self.extensions):
            make_directory(folder, durable=False)  # made anew where a crash took it
        self.directory.chmod(0o700)


def private_environment(environment: Mapping[str, str], mark: str) -> dict[str, str]:
    """What the server is given: the caller's variables without secrets, and the mark."""
    clean = {name: value for name, value in environment.items() if name not in run.SECRET_VARIABLES}
    unwanted = ("VSCODE_IPC_HOOK_CLI", "ELECTRON_RUN_AS_NODE", "NODE_OPTIONS", "PASSWORD", "HASHED_PASSWORD")
    for name in unwanted:
        clean.pop(name, None)
    return {**clean, marked.MARK: mark}


class Behind(ABC):
    """A server on a 0600 socket in a 0700 folder, with no auth of its own: what all editors share.

    Args:
        layout: Where it keeps its things.
        folder: The folder that it opens.
        environment: The complete environment; secrets in it are left out.
    """

    route: str

    def __init__(self, layout: Layout, folder: Path, environment: Mapping[str, str]) -> None:
        self.layout = layout
        self.folder = folder
        self.environment = environment
        self._process: run.Process | None = None
        self._begun: int | None = None

    @property
    def socket(self) -> Path:
        """The Unix socket that it listens on."""
        return self.layout.socket

    @property
    @abstractmethod
    def command(self) -> tuple[str, ...]:
        """Its command line; nothing secret is on it."""

    @abstractmethod
    def prepare(self) -> None:
        """End what an earlier one left of itself, and write what it needs."""

    @property
    def invocation(self) -> Invocation:
        """How it is started: away from the folder that it opens, which may not be there yet."""
        environment = private_environment(self.environment, self.layout.mark)
        return Invocation(self.command, environment, self.layout.directory, self.layout.log)

    def prepared(self) -> Invocation:
        """How it is started, now that what an earlier one left of itself is gone."""
        self.prepare()
        self.socket.unlink(missing_ok=True)
        return self.invocation

    def start(self) -> None:
        """Start it; what an earlier one left is ended first, what a person started in a terminal is not."""
        self._process = self.prepared().start()
        self._begun = None

    def take_over(self, begun: Begun) -> bool:
        """Go on with one that was started already, where it is what `start` would give; else it is ended."""
        if begun.digest == self.invocation.digest and run.is_alive(begun.pid):
            self._begun = begun.pid
            return True
        run.signal_group(begun.pid, signal.SIGKILL)
        return False

    def is_running(self) -> bool:
        """Whether its process lives; one that another process started counts while it answers."""
        if self._process is not None:
            return self._process.poll() is None
        return run.is_alive(self._begun) if self._begun is not None else self.answers()

    def answers(self) -> bool:
        """Whether its route answers 200."""
        return healthy(self.socket, self.route)

    def stop(self) -> None:
        """End it with every process that was started in it: terminals and kernels too."""
        marked.end(self.layout.mark)
        if self._process is not None:
            self._process.wait()
        self.socket.unlink(missing_ok=True)


def healthy(path: Path, route: str) -> bool:
    """Whether a server on a Unix socket answers 200 within `ANSWER_TIMEOUT` seconds."""
    connection = http.client.HTTPConnection("localhost", timeout=ANSWER_TIMEOUT)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.settimeout(ANSWER_TIMEOUT)
        connection.sock.connect(str(path))
        connection.request("GET", route)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def await_answer(server: Server, timeout: float = START_TIMEOUT) -> None:
    """Wait until the server answers.

    Raises:
        EditorError: It ended, or does not answer in time.
    """
    deadline = time.monotonic() + timeout
    while not server.answers():
        if not server.is_running():
            raise EditorError(
                "The editor ended while starting.",
                hint="Its editor.log, in the local state, says why; editor=None (`--editor none`) goes on.",
            )
        if time.monotonic() > deadline:
            raise EditorError(
                f"The editor did not answer within {timeout:.0f} s.",
                hint="Open the session again; editor=None (`--editor none`) works without one.",
            )
        time.sleep(0.02)
