"""One repository's folder in a storage folder: reached, listed, and read without its bundles' bodies."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gitsession import files
from gitsession.model import FORMAT_VERSION
from gitsession.replicas.bundles import Listing, newest_version, read_listing, written_by_a_newer
from gitsession.replicas.chain import HEAD
from gitsession.replicas.mount import Mount


@dataclass
class Folder:
    """The folder, and what was learned of it.

    Args:
        mount: The storage folder.
        path: The repository's folder below it.
        memory: The local file that remembers where the storage is mounted.
    """

    mount: Mount
    path: str
    memory: Path
    _heads: dict[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def at(cls, mount: Mount, key: str, git_dir: Path) -> Folder:
        """The folder of the repository `key`; where the storage is mounted is remembered in `git_dir`."""
        memory = _memory(git_dir, mount.storage)
        if mount.mountpoint is None and memory.exists():
            mount.mountpoint = Path(memory.read_text())
        return cls(mount, f"gitsession-v{FORMAT_VERSION}/{key}", memory)

    def seen_from(self, git_dir: Path) -> Folder:
        """The same, remembered in another repository too; what was read of it stays known."""
        other = replace(self, memory=_memory(git_dir, self.mount.storage))
        other._remember()
        return other

    def reach(self) -> None:
        """See that the storage answers and is ours, and remember where it is mounted.

        Raises:
            StorageError: The storage does not answer.
            FormatError: It was written by a newer gitsession.
        """
        if newest_version(self.mount.probe()) > FORMAT_VERSION:
            raise written_by_a_newer(self.mount.storage)
        self._remember()

    def listing(self) -> Listing:
        """What it holds. Errors: see `reach`."""
        self.reach()
        return read_listing(self.mount.walk(self.path))

    def heads(self, paths: Sequence[str]) -> tuple[bytes | None, ...]:
        """The first bytes of bundles, which never change; None for one that cannot be read."""
        new = [path for path in dict.fromkeys(paths) if path not in self._heads]
        if new:
            found = self.mount.heads([f"{self.path}/{path}" for path in new], HEAD)
            self._heads |= {path: head for path, head in zip(new, found, strict=True) if head is not None}
        return tuple(self._heads.get(path) for path in paths)

    def _remember(self) -> None:
        if self.mount.mountpoint is not None and not self.memory.exists():
            files.write_atomically(self.memory, str(self.mount.mountpoint).encode())


def _memory(git_dir: Path, storage: Path) -> Path:
    return git_dir / f"gitsession-mountpoint-{hashlib.sha256(str(storage).encode()).hexdigest()[:12]}"
