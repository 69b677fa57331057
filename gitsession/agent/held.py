"""The newest content of held files: it may not leave for the remote, so the vault keeps it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitsession.agent.churn import HUGE_INTERVAL, VAULT_ONLY
from gitsession.errors import StorageError
from gitsession.model import Held, Level
from gitsession.replicas.vault import Vault

CHUNK = 1 << 20
Signature = tuple[int, int]


@dataclass(frozen=True)
class Kept:
    """One file's content in the vault, and the file's size and modification time then."""

    signature: Signature
    sha256: str
    level: Level
    at: float


class HeldContents:
    """Which held contents the vault has; kept by the vault's thread, asked by any.

    Args:
        root: The work tree.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: dict[str, Kept] = {}
        self._lock = threading.Lock()

    def signatures(self, items: Iterable[Held]) -> frozenset[tuple[str, Signature | None]]:
        """What changes when there is something new to keep."""
        return frozenset((item.path, self._signature(item.path)) for item in items)

    def levelled(self, items: Iterable[Held]) -> tuple[Held, ...]:
        """The same items, each with the level and the name that its newest content has."""
        return tuple(self._levelled(item) for item in items)

    def keep(self, vault: Vault, items: Sequence[Held], *, urgent: bool) -> None:
        """Bring what is new of these to the vault; a file that changes all the time not all the time.

        Raises:
            StorageError: The vault does not answer or is full.
        """
        for item in items:
            if item.level < Level.STORED and self._is_due(item, urgent=urgent):
                self._keep(vault, item.path)

    def _keep(self, vault: Vault, path: str) -> None:
        before = self._signature(path)
        if before is None:
            return
        sha256 = _sha256(self._root / path)
        try:
            level = vault.held.keep(self._root / path, sha256)
        except StorageError:
            if self._signature(path) == before:
                raise
            return  # it changed meanwhile: the next snapshot says so
        if self._signature(path) == before:
            with self._lock:
                self._kept[path] = Kept(before, sha256, level, time.monotonic())

    def _is_due(self, item: Held, *, urgent: bool) -> bool:
        """Churn that will go out by itself is not kept; what never does, as often as it would."""
        if urgent or not item.reason.startswith("churn"):
            return True
        kept = self._kept.get(item.path)
        return item.reason == VAULT_ONLY and (kept is None or time.monotonic() - kept.at >= HUGE_INTERVAL)

    def _levelled(self, item: Held) -> Held:
        with self._lock:
            kept = self._kept.get(item.path)
        if kept is None or kept.signature != self._signature(item.path):
            return item
        return replace(item, level=kept.level, sha256=kept.sha256)

    def _signature(self, path: str) -> Signature | None:
        try:
            seen = (self._root / path).lstat()
        except OSError:
            return None
        return (seen.st_size, seen.st_mtime_ns)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
