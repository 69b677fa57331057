"""The process that touches the storage folder, so that a dead mount stalls it and nothing else.

Run as a script, with the standard library only: it must start in a few milliseconds. It reads one request a
line as JSON from stdin and answers with one line: `{"done": …}` or `{"errno": n, "reason": "…"}`; lines
`{"moved": bytes}` before it say that it is alive. What it copies never passes through the pipes.
"""

# ruff: noqa: PTH103, PTH112, PTH118, PTH120, PTH123, PTH208 - `os` starts faster, and counts its requests

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import select
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

CHUNK = 1 << 20
SYNC_EVERY = 64 << 20  # so that no sync takes longer than the storage may be silent
AT_ONCE = 8
IDLE = 120.0
DRIVE_ID = "user.drive.id"
HASH = re.compile("[0-9a-f]{64}")
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # somebody may have put a link or a pipe there
Answer = TypeVar("Answer")
_speaking = threading.Lock()


def mountpoint_of(fd: int) -> str:
    """The mountpoint of the file system that an open file lies on, from /proc: the mount is not asked."""
    number = _mount_of(fd)
    return next((_place(fields) for fields in _mounts() if fields[0] == number), "")


def is_foreign(fd: int) -> bool:
    """Whether an open directory lies on a file system for which syncing a directory means nothing."""
    place = mountpoint_of(fd)
    return any(_place(f) == place and f[f.index("-") + 1].startswith("fuse") for f in _mounts())


def is_reached(fd: int) -> bool:
    """Whether the mount of an open directory is there still, and none was put over it since."""
    number, mounts = _mount_of(fd), _mounts()
    own = next((at for at, fields in enumerate(mounts) if fields[0] == number), None)
    if own is None:
        return False
    below = _place(mounts[own]) + "/"
    return not any(below.startswith(_place(fields).rstrip("/") + "/") for fields in mounts[own + 1 :])


def _mount_of(fd: int) -> str:
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as info:
        return next(line.split()[1] for line in info if line.startswith("mnt_id:"))


def _mounts() -> list[list[str]]:
    """The fields of each mount, see proc(5), the oldest first."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as mounts:
        return [line.split() for line in mounts]


def _place(fields: list[str]) -> str:
    return _unescaped(fields[4])


def _unescaped(text: str) -> str:
    for code in ("040", "011", "012", "134"):
        text = text.replace(f"\\{code}", chr(int(code, 8)))
    return text


class Worker:
    """Carries out requests below one storage folder, as long as it lies on the mount that it should."""

    def __init__(self, storage: str, mountpoint: str | None) -> None:
        self.storage = storage
        self.mountpoint = mountpoint
        self._kept: tuple[str, int] | None = None

    @contextmanager
    def directory(self, path: str) -> Iterator[int]:
        """An open directory below the storage folder, looked up once and checked to be on the mount."""
        fd = self._open(os.path.join(self.storage, path), make=False)
        try:
            self.check(fd)
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def kept_directory(self, path: str) -> Iterator[int]:
        """As `directory`, made where missing, and left open: looking it up again costs a request a level."""
        if self._kept is None or self._kept[0] != path:
            self.leave()
            self._kept = (path, self._open(os.path.join(self.storage, path), make=True))
        try:
            self.check(self._kept[1])
            yield self._kept[1]
        except OSError:
            self.leave()
            raise

    def leave(self) -> None:
        """Close what was left open, so that the storage can be unmounted."""
        if self._kept is not None:
            os.close(self._kept[1])
            self._kept = None

    def leave_what_is_gone(self) -> None:
        """Close what was left open on a mount that was taken away; another's coming and going is nothing."""
        if self._kept is not None and not is_reached(self._kept[1]):
            self.leave()

    def _open(self, path: str, make: bool) -> int:
        flags = os.O_PATH | os.O_DIRECTORY
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            if not make:
                raise
        above = self._check_above(path)
        os.makedirs(path, mode=0o700, exist_ok=True)
        made = path
        while made != above:
            made = os.path.dirname(made)
            _sync_directory(made)
        return os.open(path, flags)

    def _check_above(self, path: str) -> str:
        """The nearest folder above that exists, once it is sure to be on the mount."""
        while not os.path.isdir(path):
            path = os.path.dirname(path)
        fd = os.open(path, os.O_PATH | os.O_DIRECTORY)
        try:
            self.check(fd)
        finally:
            os.close(fd)
        return path

    def check(self, fd: int) -> None:
        """Refuse to go on when the folder is not on the mount where it was."""
        place = mountpoint_of(fd)
        if self.mountpoint is None:
            self.mountpoint = place
        if place != self.mountpoint:
            raise OSError(errno.ENODEV, f"{self.mountpoint} is not mounted")

    def probe(self) -> dict[str, Any]:
        """Where the storage folder is mounted, and what lies in it at the top."""
        try:
            with self.directory("") as fd:
                entries = os.listdir(_inside(fd))
        except FileNotFoundError:
            self._check_above(self.storage)
            entries = []
        return {"mountpoint": self.mountpoint, "entries": entries}

    def walk(self, path: str) -> list[str]:
        """Every file below a folder, relative to it; none where the folder is missing."""
        try:
            with self.directory(path) as fd:
                return sorted(_files(_inside(fd)))
        except FileNotFoundError:
            return []

    def put(
        self, source: str, path: str, sha256: str, root: str | None = None, size: int | None = None
    ) -> dict[str, Any]:
        """Copy a local file to its final name, read it back, and say what the mount calls it.

        A torn one under that name is continued where it agrees. `root` is a file beside it that must still be
        there afterwards; `size` is how much of a file is meant that may have grown since.
        """
        folder, _, name = path.rpartition("/")
        with self.kept_directory(folder) as fd:
            file = os.open(name, os.O_RDWR | os.O_CREAT, 0o600, dir_fd=fd)
            try:
                identity = _write(source, file, sha256, size)
            except OSError as failed:
                if failed.errno in (errno.ENOSPC, errno.EDQUOT):
                    _give_up(name, fd)
                raise
            finally:
                os.close(file)
            if not is_foreign(fd):
                _sync_directory(_inside(fd))
            whole = root is None or _is_there(root, fd)
        return {"id": identity, "root": whole}

    def get(self, files: list[list[str]]) -> list[dict[str, Any]]:
        """Copy files to local ones, several at once; each answer has its hash, or why there is none."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda pair: self._get(*pair), files))

    def _get(self, path: str, target: str) -> dict[str, Any]:
        folder, _, name = path.rpartition("/")
        try:
            with self.directory(folder) as fd:
                source = os.open(name, READ, dir_fd=fd)
                try:
                    return {"sha256": _pour(source, target)}
                finally:
                    os.close(source)
        except OSError as failed:
            return {"errno": failed.errno or errno.EIO, "reason": failed.strerror or str(failed)}

    def heads(self, paths: list[str], size: int) -> list[str | None]:
        """The first bytes of files, as Latin-1; None for one that cannot be read."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda path: self._ask(path, lambda file: os.read(file, size)), paths)
            return [None if head is None else head.decode("latin-1") for head in found]

    def identities(self, paths: list[str]) -> list[str | None]:
        """What the mount calls each file; None where it says nothing or the file is gone."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda path: self._ask(path, _identity), paths))

    def _ask(self, path: str, question: Callable[[int], Answer]) -> Answer | None:
        folder, _, name = path.rpartition("/")
        try:
            with self.directory(folder) as fd:
                file = os.open(name, READ, dir_fd=fd)
                try:
                    return question(file)
                finally:
                    os.close(file)
        except OSError:
            return None

    def sha256s(self, paths: list[str]) -> list[str | None]:
        """The SHA-256 of files; None for one that cannot be read."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda path: self._ask(path, _hash), paths))

    def stats(self, paths: list[str]) -> list[tuple[int, float] | None]:
        """The sizes of files in bytes and when they were written; None for one that is not there."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda path: self._ask(path, os.fstat), paths)
            return [None if seen is None else (seen.st_size, seen.st_mtime) for seen in found]

    def move(self, pairs: list[list[str]], over: bool = False) -> list[bool]:
        """Rename files within their folder; False for one that is not there, or whose new name is taken."""
        moved = []
        for path, new in pairs:
            folder, _, name = path.rpartition("/")
            try:
                with self.directory(folder) as fd:
                    target = new.rpartition("/")[2]
                    free = over or not _is_there(target, fd)
                    if free:
                        os.rename(name, target, src_dir_fd=fd, dst_dir_fd=fd)
                    moved.append(free)
            except FileNotFoundError:
                moved.append(False)
            _say({"moved": 0})
        return moved

    def remove(self, paths: list[str]) -> int:
        """Remove files in this order, emptied first: what a trash keeps still counts against a quota."""
        removed = 0
        for path in paths:
            folder, _, name = path.rpartition("/")
            with suppress(FileNotFoundError), self.directory(folder) as fd:
                os.close(os.open(name, os.O_WRONLY | os.O_TRUNC, dir_fd=fd))
                os.unlink(name, dir_fd=fd)
                removed += 1
            _say({"moved": 0})
        return removed


def _inside(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


def _files(top: str) -> Iterator[str]:
    """Every file below a folder: level by level, since each folder's listing is a wait of its own.

    To ask what a name is costs a wait too. One that carries a hash is taken for a file.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        level = [""]
        while level:
            listed = list(zip(level, pool.map(lambda path: _names(f"{top}/{path}"), level), strict=True))
            yield from (path for path, names in listed if names is None)
            found = [f"{path}/{name}".lstrip("/") for path, names in listed for name in names or ()]
            yield from (path for path in found if _carries_hash(path))
            level = [path for path in found if not _carries_hash(path)]


def _carries_hash(path: str) -> bool:
    return HASH.search(path.rpartition("/")[2]) is not None


def _names(folder: str) -> list[str] | None:
    """What lies in a folder, nothing where that is gone, a link or a pipe; None for a file."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return []
    except NotADirectoryError:
        return None if stat.S_ISREG(os.lstat(folder).st_mode) else []
    try:
        return os.listdir(fd)
    finally:
        os.close(fd)
        _say({"moved": 0})


def _write(source: str, file: int, sha256: str, size: int | None) -> str | None:
    _copy(source, file, size)
    os.fsync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)  # else what is read back never left this machine
    if _hash(file) != sha256:
        raise OSError(errno.EIO, "what was written reads back differently")
    return _identity(file)


def _give_up(name: str, fd: int) -> None:
    with suppress(OSError):
        os.close(os.open(name, os.O_WRONLY | os.O_TRUNC, dir_fd=fd))
        os.unlink(name, dir_fd=fd)


def _copy(source: str, file: int, size: int | None) -> None:
    with open(source, "rb") as wanted:
        size = os.fstat(wanted.fileno()).st_size if size is None else size
        at = synced = _skip_what_agrees(wanted.fileno(), file, size)
        while chunk := wanted.read(min(CHUNK, size - at)):
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(file, rest) :]
            at += len(chunk)
            if at - synced >= SYNC_EVERY:
                os.fsync(file)
                synced = at
            _say({"moved": len(chunk)})


def _skip_what_agrees(wanted: int, file: int, size: int) -> int:
    agreed = 0
    if os.fstat(file).st_size:
        while agreed < size:
            chunk = os.pread(wanted, min(CHUNK, size - agreed), agreed)
            if not chunk or chunk != os.pread(file, len(chunk), agreed):
                break
            agreed += len(chunk)
            _say({"moved": len(chunk)})
        os.ftruncate(file, agreed)
    os.lseek(wanted, agreed, os.SEEK_SET)
    os.lseek(file, agreed, os.SEEK_SET)
    return agreed


def _hash(file: int) -> str:
    digest = hashlib.sha256()
    os.lseek(file, 0, os.SEEK_SET)
    while chunk := os.read(file, CHUNK):
        digest.update(chunk)
        _say({"moved": 0})
    return digest.hexdigest()


def _pour(source: int, target: str) -> str:
    digest = hashlib.sha256()
    with open(target, "wb") as copy:
        while chunk := os.read(source, CHUNK):
            digest.update(chunk)
            copy.write(chunk)
            _say({"moved": len(chunk)})
    return digest.hexdigest()


def _identity(file: int) -> str | None:
    try:
        return os.getxattr(file, DRIVE_ID).decode("utf-8", "replace")
    except OSError:
        return None


def _is_there(name: str, fd: int) -> bool:
    try:
        os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _sync_directory(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as failed:
        if failed.errno not in (errno.EINVAL, errno.ENOSYS):
            raise
    finally:
        os.close(fd)


def _say(line: dict[str, Any]) -> None:
    with _speaking:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def requests(worker: Worker) -> Iterator[str]:
    """The lines of stdin; nothing stays open on the mount while none comes, nor after it was unmounted."""
    pending = b""
    with open("/proc/self/mountinfo", "rb") as mounts:
        events = select.poll()
        events.register(0, select.POLLIN | select.POLLHUP)
        events.register(mounts, select.POLLPRI)  # it tells of changes, see proc(5)
        while True:
            line, found, rest = pending.partition(b"\n")
            if found:
                pending = rest
                yield line.decode()
            elif not (ready := dict(events.poll(IDLE * 1000))):
                worker.leave()
            elif 0 not in ready:
                worker.leave_what_is_gone()
            elif chunk := os.read(0, CHUNK):
                pending += chunk
            else:
                return


def main() -> None:
    """Answer requests until stdin ends."""
    worker = Worker(sys.argv[1], sys.argv[2] or None)
    operations: dict[str, Callable[..., Any]] = {
        name: getattr(worker, name)
        for name in (
            "probe",
            "walk",
            "put",
            "get",
            "heads",
            "identities",
            "sha256s",
            "stats",
            "move",
            "remove",
        )
    }
    for line in requests(worker):
        request = json.loads(line)
        try:
            _say({"done": operations[request.pop("op")](**request)})
        except OSError as failed:
            _say({"errno": failed.errno or errno.EIO, "reason": failed.strerror or str(failed)})


if __name__ == "__main__":
    main()
