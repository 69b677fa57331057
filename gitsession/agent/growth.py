"""What a new version of a large file adds to what ships: git sends the parts that the last one lacks.

Two versions are compared by their lines, which works for a notebook as for any bytes with line feeds in them;
only the hashes of the lines are kept.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path

COMPARED = 10_000_000  # bytes; above, the hashes would cost more memory than the figure is worth
OVERHEAD = 64  # bytes of a delta besides what it inserts


@dataclass(frozen=True)
class Version:
    """The lines of one version of a file.

    Args:
        hashes: Of each line; empty where the file is too large to be compared.
    """

    hashes: array[int]

    @classmethod
    def of(cls, path: Path) -> Version:
        """Read a version; one that cannot be read has no lines."""
        return cls(array("q", map(hash, _lines(path))))

    def added(self, path: Path, size: int) -> int:
        """Bytes that the file at `path`, `size` bytes long, holds beyond this version."""
        if not self.hashes or size > COMPARED:
            return size
        known = set(self.hashes)
        return min(size, OVERHEAD + sum(len(line) + 1 for line in _lines(path) if hash(line) not in known))


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n") if path.stat().st_size <= COMPARED else []
    except OSError:
        return []
