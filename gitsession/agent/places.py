"""Where the local state of a session lies: a cache that may be deleted at any time."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitsession import files
from gitsession.address import Address
from gitsession.errors import AgentError
from gitsession.model import SessionName

SOCKET_PATH_LIMIT = 100  # bytes; sun_path holds 108 on Linux and 104 on macOS, see unix(7)
EDITOR_PATH_LIMIT = SOCKET_PATH_LIMIT - len("/user/code-server-ipc.sock")  # the longest that it makes
KEY_LENGTH = 16


def home() -> Path:
    """The folder of all local state: `GITSESSION_HOME`, else the user's state folder of this system."""
    named = os.environ.get("GITSESSION_HOME")
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_state_path

    return user_state_path("gitsession")


@contextmanager
def local_state() -> Iterator[Path]:
    """`home()`, for a block that makes or lists something there.

    Raises:
        AgentError: It cannot be used.
    """
    root = home()
    try:
        yield root
    except OSError as error:
        raise AgentError(
            f"Local state cannot be kept in {root}: {error.strerror}.",
            safe="Nothing of yours was touched.",
            hint="Set GITSESSION_HOME to a folder of your own on this machine's disk.",
        ) from error


def session_key(address: Address, session: SessionName, worktree: Path) -> str:
    """The name of a session's folder: a digest of its repository, its name and its work tree."""
    whole = f"{address.key}\0{session}\0{worktree}"
    return hashlib.sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()[:KEY_LENGTH]


@dataclass(frozen=True)
class Places:
    """The paths of one session's local state.

    Args:
        key: What `session_key` gave.
        root: The folder of all local state, usually `home()`.

    Example:
        >>> Places("0123456789abcdef", Path("/state")).log
        PosixPath('/state/sessions/0123456789abcdef/log/agent.log')
    """

    key: str
    root: Path

    @property
    def directory(self) -> Path:
        """The session's folder, 0700."""
        return self.root / "sessions" / self.key

    @property
    def shadow(self) -> Path:
        """The shadow repository."""
        return self.directory / "shadow.git"

    @property
    def journal(self) -> Path:
        """The journal of snapshots that are not in a pack yet."""
        return self.directory / "journal"

    @property
    def log(self) -> Path:
        """The agent's log file."""
        return self.directory / "log" / "agent.log"

    @property
    def keeper_log(self) -> Path:
        """The keeper's log file."""
        return self.directory / "log" / "keeper.log"

    @property
    def lock(self) -> Path:
        """The file whose lock the keeper holds while it lives."""
        return self.directory / "keeper.lock"

    @property
    def configuration(self) -> Path:
        """The session's configuration, without secrets."""
        return self.directory / "session.json"

    @property
    def keeper_socket(self) -> Path:
        """Where the keeper answers."""
        return self._socket("keeper")

    @property
    def agent_socket(self) -> Path:
        """Where the agent answers."""
        return self._socket("agent")

    @property
    def pull_request(self) -> Path:
        """The number and the address of the session's pull request, once `review` has opened one."""
        return self.directory / "pull-request.json"

    @property
    def open_editors(self) -> Path:
        """What the editor's extension last said to be open, and typed and not yet saved."""
        return self.directory / "open-editors.json"

    def is_running(self) -> bool:
        """Whether the session's keeper listens."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(os.fspath(self.keeper_socket))
            except OSError:
                return False
        return True

    def create(self) -> None:
        """Make the session's folder, and the sockets' where that is another one.

        Raises:
            AgentError: Another user owns the folder meant for our sockets.
        """
        files.make_directory(self.log.parent)
        if self.agent_socket.parent != self.directory:
            _private_directory(self.agent_socket.parent)

    def _socket(self, name: str) -> Path:
        path = self.directory / f"{name}.sock"
        if len(os.fsencode(path)) < SOCKET_PATH_LIMIT:
            return path
        return self._short.with_suffix(f".{name}.sock")

    @property
    def _short(self) -> Path:
        """Where sockets go whose path would be too long."""
        return _short(self.directory)


def editor_folder(worktree: Path, root: Path) -> Path:
    """The folder of a work tree's editor, which is known before its session is; its sockets name themselves.

    Args:
        worktree: The directory that the person edits.
        root: The folder of all local state, usually `home()`.

    Raises:
        AgentError: Another user owns the folder meant for our sockets.
    """
    inside = root / "editors" / _digest(worktree)
    if len(os.fsencode(inside)) < EDITOR_PATH_LIMIT:
        return inside
    short = _short(inside).with_suffix(".editor")
    _private_directory(short.parent)
    return short


def _short(directory: Path) -> Path:
    return Path("/tmp") / f"gitsession-{os.getuid()}" / _digest(directory)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:KEY_LENGTH]


def _private_directory(directory: Path) -> None:
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise AgentError(
            f"{directory} belongs to somebody else.",
            hint="Set GITSESSION_HOME to a short path of your own.",
        )
    directory.chmod(0o700)


def all_places() -> tuple[Places, ...]:
    """The sessions that have local state here, running or not.

    Raises:
        AgentError: The folder of local state cannot be read.
    """
    with local_state() as root:
        folder = root / "sessions"
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        return tuple(Places(entry.name, root) for entry in entries if entry.is_dir())
