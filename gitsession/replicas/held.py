"""Contents that may not leave for the remote, and kept files: in the vault, named by their hash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gitsession import files
from gitsession.errors import StorageError
from gitsession.model import Level
from gitsession.replicas.mount import Mount


@dataclass(frozen=True)
class HeldFiles:
    """The `held/` folder of a repository in a vault: add-only, shared by all its sessions.

    Args:
        mount: The vault's storage.
        folder: The repository's folder below it.
    """

    mount: Mount
    folder: str

    def keep(self, source: Path, sha256: str) -> Level:
        """Keep a file's content under its SHA-256, and say how strongly it is kept.

        A copy that was cut short is continued; one that is there already is read and proved.

        Raises:
            StorageError: The storage does not answer or is full, or the file changed meanwhile.
        """
        identity, _ = self.mount.put(source, self._path(sha256), sha256)
        return Level.SAFE if is_uploaded(identity) else Level.STORED

    def fetch(self, sha256: str, target: Path) -> None:
        """Copy a content to a local file, whole or not at all.

        Raises:
            StorageError: It is missing or torn, or the storage does not answer.
        """
        with files.atomic_path(target) as temporary:
            (got,) = self.mount.get([(self._path(sha256), temporary)])
            if isinstance(got, StorageError):
                raise got
            if got != sha256:
                raise StorageError(f"The held content {sha256[:12]} is torn in the vault.")

    def _path(self, sha256: str) -> str:
        return f"{self.folder}/held/{sha256}"


def is_uploaded(identity: str | None) -> bool:
    """Whether Drive's `user.drive.id` says that a file is there: while it is not, it starts with `local`."""
    return bool(identity) and not str(identity).startswith("local")
