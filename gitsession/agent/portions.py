"""What is more than one push may carry is sent in portions, small files first; the others wait, held."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gitsession.agent.saving import Caught
from gitsession.git import Repository, blobs

PUSH_LIMIT = 2 << 30  # GitHub's, for the pack of one push
REASON = "more than one push may carry: it goes in parts, this waits for its turn"
Blob = tuple[str, str]


@dataclass
class Portions:
    """Chooses what waits, and what goes next; of blobs each is given as `(oid, path)`.

    Args:
        repository: Where the blobs are, visible to git.
        target: Bytes of contents that one push may carry; less after each refusal.

    Attributes:
        waiting: The paths that wait, with the bytes that each adds to a push.
    """

    repository: Repository
    target: int = PUSH_LIMIT * 9 // 10
    waiting: dict[str, int] = field(default_factory=dict)

    def is_too_much(self, new: Collection[Blob]) -> bool:
        """Whether a push of these blobs would be refused."""
        return sum(self._sizes(new).values()) > self.target

    def refused(self, new: Collection[Blob]) -> None:
        """A push of these was refused: the remote takes less than was thought."""
        self.target = max(1, min(self.target, sum(self._sizes(new).values())) // 2)

    def choose(self, new: Collection[Blob]) -> dict[str, Caught]:
        """The paths that must wait until another push, so that the others fit into this one."""
        sizes, oids_at = self._sizes(new), dict[str, set[str]]()
        for oid, path in new:
            oids_at.setdefault(path, set()).add(oid)
        total = {path: sum(sizes.get(oid, 0) for oid in oids) for path, oids in oids_at.items()}
        fitting = _smallest(total, self.target)
        self.waiting |= {path: size for path, size in total.items() if path not in fitting}
        return {path: Caught(REASON, frozenset(oids_at[path])) for path in total if path not in fitting}

    def next(self) -> frozenset[str]:
        """What may go now that the portion before it has arrived; one path alone goes whatever its size."""
        chosen = _smallest(self.waiting, self.target) or frozenset([min(self.waiting, key=lambda p: p)])
        for path in chosen:
            del self.waiting[path]
        return chosen

    def _sizes(self, new: Collection[Blob]) -> dict[str, int]:
        return blobs.stored_sizes(self.repository, [oid for oid, _ in new])


def _smallest(sizes: Mapping[str, int], room: int) -> frozenset[str]:
    """The smallest paths that fit together."""
    chosen = []
    for path in sorted(sizes, key=lambda path: (sizes[path], path)):
        room -= sizes[path]
        if room < 0:
            break
        chosen.append(path)
    return frozenset(chosen)
