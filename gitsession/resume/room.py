"""Whether a session has room on this machine's disks: a full one is said before anything is begun there."""

from __future__ import annotations

import shutil
from pathlib import Path

from gitsession.errors import WorkTreeError

LEAST = 10_000_000  # bytes, for a small repository, its shadow and the agent's log


def check_room(*places: Path) -> None:
    """Refuse to begin on a disk that is full.

    Args:
        places: Directories that will be written, there already or not.

    Raises:
        WorkTreeError: One has less than 10 MB left.
    """
    for place in places:
        there = next(above for above in (place, *place.parents) if above.exists())
        total, _, free = shutil.disk_usage(there)
        if total and free < LEAST:  # a file system that counts nothing, as some of FUSE do, says 0 of 0
            raise WorkTreeError(
                f"The disk of {there} is full: {free / 1e6:.1f} MB are left.",
                safe="Nothing was begun, and nothing there was touched.",
                hint="Make room there, or name a directory on another disk with --workdir, "
                "and one with GITSESSION_HOME for local state.",
            )
