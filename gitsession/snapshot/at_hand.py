"""Trees kept at hand, so that the first save in a directory need not wait for a process."""

from __future__ import annotations

from gitsession.git import objects
from gitsession.snapshot import encode

MOST = 8 << 20  # bytes, the trees of some 200,000 files


class TreesAtHand:
    """Contents of trees by id, read in few large questions; each is handed out once, to who keeps it parsed.

    Args:
        reader: Answers for the repository; used only while a method runs.
    """

    def __init__(self, reader: objects.Reader) -> None:
        self._reader = reader
        self._contents: dict[bytes, bytes] = {}
        self._gathered = False

    def gather(self, root: bytes) -> None:
        """Read a tree and those below it, level by level, as far as they fit; only the first call does."""
        level, left = [] if self._gathered else [root], MOST
        self._gathered = True
        while level and left > 0:
            fresh = self._read(level)
            left -= sum(map(len, fresh.values()))
            self._contents.update(fresh)
            below = dict.fromkeys(oid for content in fresh.values() for oid in encode.trees_below(content))
            level = [oid for oid in below if oid not in self._contents]

    def pop(self, oid: bytes) -> bytes | None:
        """A tree's content, None where it is not at hand."""
        return self._contents.pop(oid, None)

    def _read(self, oids: list[bytes]) -> dict[bytes, bytes]:
        found = {}
        for start in range(0, len(oids), objects.MAX_AHEAD):
            wanted = oids[start : start + objects.MAX_AHEAD]
            self._reader.ask_ahead([oid.hex() for oid in wanted])
            for oid in wanted:
                content = self._reader.read(oid.hex())
                if content is not None:
                    found[oid] = content
        return found
