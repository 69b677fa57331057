"""How a server's process is started: plain values, so that whoever is there first can start it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gitsession import run

LONGEST_LOG = 5_000_000


@dataclass(frozen=True)
class Invocation:
    """A command line with all that it is started in.

    Args:
        argv: The command line; nothing secret is on it.
        environment: The complete environment; nothing secret is in it.
        directory: Where it is started.
        log: What it prints is appended here.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    log: Path

    @property
    def digest(self) -> str:
        """Equal for invocations that give the same server."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def start(self) -> run.Process:
        """Start it; returns at once.

        Raises:
            OSError: There is no such program or folder.
        """
        descriptor = open_log(self.log)
        try:
            return run.start(
                self.argv, env=self.environment, cwd=self.directory, stdout=descriptor, stderr=descriptor
            )
        finally:
            os.close(descriptor)

    def to_bytes(self) -> bytes:
        """One line of JSON, without its end."""
        return json.dumps(dataclasses.asdict(self), default=str, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, line: bytes) -> Invocation:
        """Read what `to_bytes` gave."""
        given = json.loads(line)
        return cls(tuple(given["argv"]), given["environment"], Path(given["directory"]), Path(given["log"]))


@dataclass(frozen=True)
class Begun:
    """A server that was started before it was known for which session.

    Args:
        pid: Its process id.
        digest: Its invocation's.
    """

    pid: int
    digest: str

    def __str__(self) -> str:
        return f"{self.pid} {self.digest}"

    @classmethod
    def parse(cls, text: str) -> Begun | None:
        """Read what `str` gave; None for nothing."""
        pid, _, digest = text.partition(" ")
        return cls(int(pid), digest) if digest else None


def open_log(path: Path) -> int:
    """A file descriptor to append to; a log that grew too long starts anew."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > LONGEST_LOG:
            path.unlink()
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
