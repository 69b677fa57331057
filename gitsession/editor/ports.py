"""A loopback port: a free one, or a named one, and who holds it when it is taken."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gitsession.errors import EditorError

LOOPBACK = "127.0.0.1"
BACKLOG = 128
_LISTENING = "0A"


def listen(port: int | None) -> socket.socket:
    """A listening socket on loopback; any free port for None.

    Raises:
        EditorError: The named port is taken; says by which process. Nothing is done to that process.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port or 0))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _translated(error, port or 0) from error
    return listener


def _translated(error: OSError, port: int) -> EditorError:
    if error.errno == errno.EACCES:
        return EditorError(f"Port {port} needs root.", hint="Name a port above 1023, or none.")
    return EditorError(
        f"Port {port} is taken by {holder(port) or 'another process'}.",
        safe="That process was left alone.",
        hint="Name another port, or none: then a free one is chosen.",
    )


def holder(port: int) -> str | None:
    """Who listens on a port, such as `python train.py (pid 4711)`; None where /proc does not say."""
    inodes = set(_listening_inodes(port))
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(str(fd.readlink()) in inodes for fd in (process / "fd").iterdir()):
                return f"{_command(process)} (pid {process.name})"
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    """Lines of proc(5) `net/tcp`: `sl local_address rem_address st … inode`, numbers in hex."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield f"socket:[{fields[9]}]"


def _command(process: Path) -> str:
    words = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    text = " ".join(word.decode(errors="replace") for word in words)
    return text if len(text) <= 80 else text[:77] + "…"
