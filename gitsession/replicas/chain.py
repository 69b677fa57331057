"""One runtime's bundles of a session: each builds on the one before, the first on the user's history."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gitsession.errors import FormatError
from gitsession.git import bundle
from gitsession.git.command import Repository
from gitsession.git.transfer import is_ancestor
from gitsession.model import SessionName
from gitsession.replicas.base import Shipment
from gitsession.replicas.bundles import Increment, claim, increment_name, read_listing, refs_for
from gitsession.replicas.mount import Mount
from gitsession.replicas.sealing import Sealed, seal, workplace

MOST_LIVE = 200
FEWEST_BETWEEN_FOLDS = 50
# Long enough that a runtime which has written nothing meanwhile has lost its lease or its machine
IDLE = 1800.0
HEAD = 4096


def fold_is_due(own: int, foreign: int) -> bool:
    """Whether a session has too many live bundles; those of others may have to stay, so ours fold in time."""
    return own >= max(FEWEST_BETWEEN_FOLDS, MOST_LIVE - foreign)


@dataclass
class Chain:
    """Writes a runtime's increments, and folds them.

    Args:
        repository: The shadow repository.
        mount: The vault's storage.
        folder: The repository's folder below it.
        session: Whose bundles.
        runtime: Whose folder.
        timeout: Seconds that git may take to write one.
    """

    repository: Repository
    mount: Mount
    folder: str
    session: SessionName
    runtime: str
    timeout: float
    live: list[Increment] = field(default_factory=list, init=False)
    _number: int = field(default=1, init=False)
    _others: dict[str, tuple[Increment, ...]] = field(default_factory=dict, init=False)
    _seen: dict[str, tuple[frozenset[str], float]] = field(default_factory=dict, init=False)

    def load(self, known: str | None) -> None:
        """Read what is there; goes on from `known`, the last acknowledged state, where all is still whole.

        A mount that went away may have lost the tail of what it had taken.
        """
        own = self._look().get(self.runtime, ())
        self._number = max((one.number for one in own), default=0) + 1
        goes_on = any(one.state == known for one in own) and self._is_whole(own)
        self.live = list(own) if goes_on else []
        self._notice()

    def write(self, shipment: Shipment, counter: int, known: str | None, start: Sequence[str]) -> str | None:
        """Add a bundle that ends at the shipment; answers with what the mount calls it.

        Where the chain's first bundle is gone, as after somebody folded the session, it starts anew.
        """
        if self.live and known is not None:
            identity, whole = self._put(shipment, counter, (known,), root=self.live[0])
            if whole:
                return identity
            self.live = []
        identity, _ = self._put(shipment, counter, start, root=None)
        self.live = self.live[-1:]
        return identity

    def fold(self, shipment: Shipment, counter: int, start: Sequence[str]) -> str | None:
        """Replace the live bundles by one, written and read back before the others go, oldest first."""
        older = list(self.live)
        identity, _ = self._put(shipment, counter, start, root=None)
        self.live = self.live[-1:]
        self.mount.remove([f"{self.folder}/{one.path}" for one in older])
        self._others = self._without_own(self._look())
        self.mount.remove([f"{self.folder}/{path}" for path in self._superseded(shipment.snapshot)])
        self._notice()
        return identity

    @property
    def is_long(self) -> bool:
        """Whether it is time to fold."""
        return fold_is_due(len(self.live), sum(map(len, self._others.values())))

    def _is_whole(self, increments: Sequence[Increment]) -> bool:
        found = self.mount.sha256s([f"{self.folder}/{one.path}" for one in increments])
        return all(one.sha256 == sha256 for one, sha256 in zip(increments, found, strict=True))

    def _put(
        self, shipment: Shipment, counter: int, without: Sequence[str], root: Increment | None
    ) -> tuple[str | None, bool]:
        refs = refs_for(self.session, shipment.snapshot, shipment.number, shipment.state, counter)
        with workplace(self.repository) as place:
            sealed = seal(
                self.repository, place, refs, without=without, also=shipment.extra, timeout=self.timeout
            )
            increment = self._increment(shipment.state, sealed)
            beside = root.path.rpartition("/")[2] if root is not None else None
            answer = self.mount.put(sealed.path, f"{self.folder}/{increment.path}", sealed.sha256, beside)
        self._number += 1
        self.live.append(increment)
        return answer

    def _increment(self, state: str, sealed: Sealed) -> Increment:
        name = increment_name(self._number, state, sealed.sha256)
        path = f"sessions/{self.session.login}/{self.session.name}/{self.runtime}/{name}"
        return Increment(path, self.session, self.runtime, self._number, state, sealed.sha256)

    def _look(self) -> dict[str, tuple[Increment, ...]]:
        place = f"sessions/{self.session.login}/{self.session.name}"
        paths = self.mount.walk(f"{self.folder}/{place}")
        increments = read_listing(f"{place}/{path}" for path in paths).of(self.session)
        self._others = self._without_own(increments)
        return increments

    def _without_own(
        self, increments: Mapping[str, tuple[Increment, ...]]
    ) -> dict[str, tuple[Increment, ...]]:
        return {runtime: others for runtime, others in increments.items() if runtime != self.runtime}

    def _notice(self) -> None:
        """Remember since when each other runtime has written nothing."""
        now = time.monotonic()
        for runtime, others in self._others.items():
            names = frozenset(one.path for one in others)
            if self._seen.get(runtime, (frozenset(), 0.0))[0] != names:
                self._seen[runtime] = (names, now)

    def _superseded(self, snapshot: str) -> list[str]:
        """Bundles of idle runtimes all of whose snapshots the new bundle holds, oldest first in each."""
        now = time.monotonic()
        gone: list[str] = []
        for runtime, others in self._others.items():
            paths = [one.path for one in others]
            names, since = self._seen.get(runtime, (frozenset(), now))
            if names == frozenset(paths) and now - since >= IDLE and self._holds(snapshot, paths):
                gone += paths
        return gone

    def _holds(self, snapshot: str, paths: Sequence[str]) -> bool:
        heads = self.mount.heads([f"{self.folder}/{path}" for path in paths], HEAD)
        return all(head is not None and self._is_behind(snapshot, head) for head in heads)

    def _is_behind(self, snapshot: str, head: bytes) -> bool:
        try:
            older = claim(bundle.parse_header(head)).snapshot
        except FormatError:
            return head == b""  # emptied by a removal that was cut short
        return older is not None and is_ancestor(self.repository, older, snapshot)
