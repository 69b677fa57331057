"""Modification times in a state commit: one file per directory, nanoseconds since 1970 and a name each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

from gitsession.snapshot.state.layout import damaged, safe_path, whole_number


def name_of(directory: str) -> str:
    """The name under `mtimes/` of a directory's file; the root's is a lone `=`."""
    return "=" + quote(directory.encode("utf-8", "surrogateescape"), safe="")


def dump(times: Mapping[str, int]) -> bytes:
    """Nanoseconds since 1970 and name of each file of one directory, NUL-separated, by name."""
    return b"".join(
        b"%d %s\0" % (ns, name.encode("utf-8", "surrogateescape")) for name, ns in sorted(times.items())
    )


def parse(name: str, content: bytes) -> tuple[str, dict[str, int]]:
    """A directory (empty for the root) and the times of its files.

    Raises:
        FormatError: Damaged, or a name that leads elsewhere.
    """
    try:
        directory = unquote(name.removeprefix("="), errors="surrogateescape")
        if not name.startswith("=") or (directory and safe_path(directory) != directory):
            raise ValueError(name)
        times = {}
        for line in content.split(b"\0")[:-1]:
            ns, _, file = line.decode("utf-8", "surrogateescape").partition(" ")
            if "/" in file:
                raise ValueError(file)
            times[safe_path(file)] = whole_number(int(ns) // 1000) * 1000 + int(ns) % 1000
    except ValueError as wrong:
        raise damaged(f"mtimes of {name!r:.80}") from wrong
    return directory, times


def restore(times: Mapping[str, Mapping[str, int]], work_tree: Path) -> None:
    """Set modification times, following no symbolic link on the way."""
    for directory, entries in times.items():
        with suppress(OSError):  # a directory that the snapshot does not hold (ignored, or held back)
            _touch(work_tree, directory, entries)


def _touch(work_tree: Path, directory: str, entries: Mapping[str, int]) -> None:
    fd = os.open(work_tree, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in filter(None, directory.split("/")):
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            os.close(fd)
            fd = inner
        for name, ns in entries.items():
            with suppress(OSError):
                os.utime(name, ns=(ns, ns), dir_fd=fd, follow_symlinks=False)
    finally:
        os.close(fd)
