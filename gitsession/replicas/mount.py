"""The storage folder as the rest sees it: every touch is a request to a helper process, with a time limit.

A mounted Drive may stall for minutes, vanish, or fill up. The helper is what hangs then; it is killed and
started again by the next request. One that cannot even be killed is left behind and counted.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gitsession import run
from gitsession.errors import StorageError

WORKER = Path(__file__).with_name("mount_worker.py")
STALL = 30.0
MOST_STUCK = 3
REAP_WAIT = 0.05
CLOSE_WAIT = 2.0
Listen = Callable[[int], None]
SAFE_HERE = "Everything is still on this machine, and on the remote if there is one."
_HINTS = {
    errno.ENOTCONN: "Mount it again; saving goes on by itself.",
    errno.ENODEV: "Mount it again; saving goes on by itself.",
    errno.ESTALE: "Mount it again; saving goes on by itself.",
    errno.EIO: "It is tried again; if it stays, mount it again.",
    errno.ENOSPC: "Make room there, and empty its trash, or choose another place with storage=.",
    errno.EDQUOT: "Make room there, and empty its trash, or choose another place with storage=.",
    errno.EROFS: "Choose a place that can be written with storage=.",
    errno.EACCES: "Choose a place that can be written with storage=.",
    errno.EPERM: "Choose a place that can be written with storage=.",
    errno.ETIMEDOUT: "It is tried again by itself; if it stays, mount it again.",
}


@dataclass
class Mount:
    """A storage folder behind its helper process.

    Args:
        storage: The folder.
        mountpoint: Where its file system must be mounted; found out at the first contact by default. While
            something else, or nothing, is mounted there, nothing is written.
        stall: Seconds without any progress after which the helper counts as stuck.
    """

    storage: Path
    mountpoint: Path | None = None
    stall: float = STALL
    _process: run.Process | None = field(default=None, init=False, repr=False)
    _stuck: list[run.Process] = field(default_factory=list, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _heard: bytes = field(default=b"", init=False, repr=False)

    def probe(self) -> tuple[str, ...]:
        """The names in the storage folder, none where it does not exist yet; also learns the mountpoint."""
        answer = self._ask("probe")
        self.mountpoint = Path(answer["mountpoint"])
        return tuple(answer["entries"])

    def walk(self, path: str) -> tuple[str, ...]:
        """Every file below a folder of the storage, relative to it."""
        return tuple(self._ask("walk", path=path))

    def put(
        self,
        source: Path,
        path: str,
        sha256: str,
        root: str | None = None,
        *,
        size: int | None = None,
        listen: Listen | None = None,
    ) -> tuple[str | None, bool]:
        """Write a local file to its final place and read it back.

        Args:
            source: The local file.
            path: Its place below the storage folder.
            sha256: Of its content; another content is an error.
            root: The name of a file beside it that must still be there afterwards.
            size: How many bytes of it are meant, where it may have grown since; all by default.
            listen: Told how many bytes have moved, several times.

        Returns:
            What the mount calls it (`user.drive.id`), or None; and whether the file `root` is still there.
        """
        asked = {"source": str(source), "path": path, "sha256": sha256, "root": root, "size": size}
        answer = self._ask("put", listen, **asked)
        return answer["id"], bool(answer["root"])

    def get(
        self, files: Sequence[tuple[str, Path]], listen: Listen | None = None
    ) -> tuple[str | StorageError, ...]:
        """Copy files to local paths, several at once; answers with each one's SHA-256, or what went wrong."""
        answers = self._ask("get", listen, files=[[path, str(target)] for path, target in files])
        return tuple(a["sha256"] if "sha256" in a else self._error(a["errno"], a["reason"]) for a in answers)

    def heads(self, paths: Sequence[str], size: int) -> tuple[bytes | None, ...]:
        """The first bytes of files; None for one that cannot be read."""
        answers = self._ask("heads", paths=list(paths), size=size)
        return tuple(head if head is None else head.encode("latin-1") for head in answers)

    def identities(self, paths: Sequence[str]) -> tuple[str | None, ...]:
        """What the mount calls each file; None where it says nothing."""
        return tuple(self._ask("identities", paths=list(paths)))

    def sha256s(self, paths: Sequence[str]) -> tuple[str | None, ...]:
        """The SHA-256 of files, each read whole; None for one that cannot be read."""
        return tuple(self._ask("sha256s", paths=list(paths)))

    def stats(self, paths: Sequence[str]) -> tuple[tuple[int, float] | None, ...]:
        """Each file's size in bytes, and when it was written (seconds since 1970); None for none."""
        answers = self._ask("stats", paths=list(paths))
        return tuple(None if seen is None else (int(seen[0]), float(seen[1])) for seen in answers)

    def move(self, pairs: Sequence[tuple[str, str]], *, over: bool = False) -> tuple[bool, ...]:
        """Rename files within their folders, in this order; answers which of them were.

        One that is not there is not, nor, without `over`, one whose new name is taken.
        """
        return tuple(self._ask("move", pairs=list(pairs), over=over))

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files, in this order."""
        self._ask("remove", paths=list(paths))

    def close(self) -> None:
        """End the helper, so that nothing of ours is on the mount any more; one that hangs, once it can."""
        if not self._lock.acquire(timeout=CLOSE_WAIT):
            if (process := self._process) is not None:
                run.signal_group(process.pid, signal.SIGKILL)  # it ends once the mount answers
            return
        try:
            self._abandon()
            self._reap(CLOSE_WAIT)
        finally:
            self._lock.release()

    def _ask(self, op: str, listen: Listen | None = None, /, **fields: Any) -> Any:
        with self._lock:
            process = self._helper()
            try:
                answer = self._converse(process, {"op": op, **fields}, listen)
            except TimeoutError:
                self._abandon()
                raise self._error(errno.ETIMEDOUT, f"no answer for {self.stall:g} s") from None
            except (OSError, ValueError):
                self._abandon()
                raise self._error(errno.EIO, "the helper process ended") from None
        if "done" in answer:
            return answer["done"]
        raise self._error(answer["errno"], answer["reason"])

    def _helper(self) -> run.Process:
        self._reap()
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._abandon()
        if len(self._stuck) >= MOST_STUCK:
            raise self._error(errno.ETIMEDOUT, "earlier requests still hang")
        self._heard = b""
        self._process = run.start(
            [sys.executable, "-I", "-S", str(WORKER), str(self.storage), str(self.mountpoint or "")],
            env=run.clean_environment(),
            cwd=Path("/"),
            stdin=run.PIPE,
            stdout=run.PIPE,
        )
        return self._process

    def _converse(
        self, process: run.Process, request: dict[str, Any], listen: Listen | None
    ) -> dict[str, Any]:
        if process.stdin is None or process.stdout is None:
            raise ValueError("the helper has no pipes")
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        deadline = time.monotonic() + self.stall
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                line, found, rest = self._heard.partition(b"\n")
                if found:
                    self._heard = rest
                    answer: dict[str, Any] = json.loads(line)
                    if "moved" not in answer:
                        return answer
                    if listen is not None:
                        listen(answer["moved"])
                    deadline = time.monotonic() + self.stall
                    continue
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                self._heard += _read(process.stdout.fileno())

    def _abandon(self) -> None:
        """Kill the helper without waiting: in a dead mount even SIGKILL may have to wait."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        if process.poll() is None:
            run.signal_group(process.pid, signal.SIGKILL)
            self._stuck.append(process)

    def _reap(self, within: float = REAP_WAIT) -> None:
        self._stuck = [process for process in self._stuck if not run.has_ended(process, within)]

    def _error(self, number: int, reason: str) -> StorageError:
        hint = _HINTS.get(number, "Check the storage folder.")
        return StorageError(
            f"The storage {self.storage} cannot be used: {reason}.", safe=SAFE_HERE, hint=hint
        )


def _read(fd: int) -> bytes:
    chunk = os.read(fd, 1 << 16)
    if not chunk:
        raise ValueError("the helper closed its pipe")
    return chunk
