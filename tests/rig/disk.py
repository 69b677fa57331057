"""A disk of any size, as a tmpfs: full, without inodes or read-only for real. It does not imitate quotas."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")


@contextmanager
def small_disk(place: Path, options: str) -> Iterator[Path]:
    """Mount one at a directory, with options such as `size=1m` or `ro`, until the block ends."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "small", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
