"""What a full or failing disk says, as an error for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gitsession.errors import SaveError


@contextmanager
def disk_errors() -> Iterator[None]:
    """Translate what a full or failing disk says."""
    try:
        yield
    except OSError as problem:
        raise SaveError(
            f"A snapshot could not be written: {problem.strerror}.",
            safe="The snapshots before it are safe; your files are untouched.",
            hint="Make room on the disk; saving goes on by itself.",
        ) from problem
