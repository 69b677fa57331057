"""Writing many files at once into a work tree that nobody uses yet, by git's own checkout."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

from gitsession import files
from gitsession.git.command import NETWORK_TIMEOUT, Repository

# from 100 files on, see checkout.workers in git-config(1); slow disks gain even where one core does the work
SIDE_BY_SIDE = {"checkout.workers": str(max(2, os.cpu_count() or 2))}


def write_new(repository: Repository, wanted: Iterable[tuple[bytes, str, bytes]]) -> None:
    """Write files where nothing lies yet, converted as the attributes and settings in force have it.

    Args:
        repository: Where the contents are; it names the work tree.
        wanted: Mode, oid and path of each, none of them a directory on the way to another.

    Raises:
        GitError: A content is missing, a path is refused, or something stands in its place; what was written
            before stays.
    """
    listed = b"".join(b"%s %s\t%s\0" % (mode, oid.encode(), path) for mode, oid, path in wanted)
    scratch = files.temporary_name(repository.git_dir / "index")
    door = replace(repository, index=scratch, config={**repository.config, **SIDE_BY_SIDE})
    try:
        door.run("update-index", "-z", "--index-info", stdin=listed)
        door.run("checkout-index", "--all", "--quiet", timeout=NETWORK_TIMEOUT)
    finally:
        for leftover in (scratch, scratch.with_name(f"{scratch.name}.lock")):
            leftover.unlink(missing_ok=True)
