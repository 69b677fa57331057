"""Atomic and durable file writes, and what a file hashes to.

A file is durable when its bytes *and* the directory entry that names it are synced: POSIX promises neither by
`close`, see the notes of fsync(2).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

TEMPORARY_PREFIX = ".gitsession-tmp-"
IN_USE_PREFIX = f"{TEMPORARY_PREFIX}open-"


def sync_directory(directory: Path) -> None:
    """Make the entries of a directory durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directory(directory: Path, mode: int = 0o700, *, durable: bool = True) -> Path:
    """Create a directory and its parents, private by default; if `durable`, each is synced in its parent."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    for path in reversed(missing):
        with suppress(FileExistsError):
            path.mkdir(mode=mode)
        if durable:
            sync_directory(path.parent)
    return directory


def temporary_name(beside: Path) -> Path:
    """A fresh, unpredictable name in the same directory, so that a rename stays in one file system."""
    return beside.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path; on success it is synced and renamed over `target`, else removed."""
    temporary = temporary_name(target)
    try:
        yield temporary
        sync_file(temporary)
        temporary.replace(target)
        sync_directory(target.parent)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def sync_file(path: Path) -> None:
    """Make the bytes of a file durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomically(target: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace a file's content so that a reader, or a crash, sees the old or the new, never half."""
    with atomic_path(target) as temporary:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(fd, "wb") as file:
            file.write(content)


def clear_temporaries(directory: Path) -> None:
    """Remove what a killed process left behind under our temporary prefix."""
    for entry in directory.glob(f"{TEMPORARY_PREFIX}*"):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


@contextmanager
def folder_in_use(parent: Path, mode: int = 0o700) -> Iterator[Path]:
    """A fresh folder that vanishes at the end of the block; what killed processes left of such goes first.

    It is locked while the block runs, since the lock dies with its process, however that ends.

    Args:
        parent: The directory that it is made in.
        mode: Its permissions, less the umask.

    Raises:
        OSError: It cannot be made.
    """
    for left in parent.glob(f"{IN_USE_PREFIX}*"):
        with suppress(OSError), _opened(left) as fd:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
    with ExitStack() as stack:
        folder = None
        while folder is None:
            folder = _locked(parent / f"{IN_USE_PREFIX}{secrets.token_hex(8)}", mode, stack)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _locked(folder: Path, mode: int, stack: ExitStack) -> Path | None:
    """Make it and hold its lock; None where another process took it for left over in between."""
    folder.mkdir(mode=mode)
    try:
        fd = stack.enter_context(_opened(folder))
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        return None
    except OSError:
        return folder  # a file system without locks, where nobody takes it for left over
    return folder if folder.exists() else None


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def digest(path: Path, algorithm: str = "sha256") -> bytes:
    """The hash of a file's bytes, read in pieces."""
    found = hashlib.new(algorithm)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.digest()
