"""What the vault holds of the editor: saved settings, and code-server in one archive."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gitsession.address import Address
from gitsession.errors import StorageError
from gitsession.model import FORMAT_VERSION
from gitsession.replicas.bundles import EDITOR
from gitsession.replicas.mount import Listen, Mount

_SETTINGS = re.compile(r"(\d{1,9})\.([0-9a-f]{64})\.tar\.zst")
_ARCHIVE = re.compile(r"(.+)\.([0-9a-f]{64})\.tar\.zst")
ROOT = f"gitsession-v{FORMAT_VERSION}"
SHARED = f"{ROOT}/{EDITOR}"


@dataclass(frozen=True)
class Kept:
    """A file of the vault: its place, its number where it has one, and the SHA-256 in its name."""

    path: str
    number: int
    sha256: str


@dataclass(frozen=True)
class EditorFiles:
    """The `editor/` folder of a repository, and the one that all repositories of a vault share.

    Args:
        mount: The vault's storage.
        folder: The repository's folder below it.

    Example:
        >>> EditorFiles.of(Path("/drive"), address).newest_settings()  # doctest: +SKIP
    """

    mount: Mount
    folder: str

    @classmethod
    def of(cls, storage: Path, address: Address) -> EditorFiles:
        """Those of a repository in a storage; it is looked at first, so that nothing lands beside a mount.

        Raises:
            StorageError: The storage does not answer.
        """
        mount = Mount(storage)
        mount.probe()
        return cls(mount, f"{ROOT}/{address.key}")

    def newest_settings(self) -> Kept | None:
        """The settings that were saved last, None where there are none.

        Raises:
            StorageError: The storage does not answer.
        """
        names = self.mount.walk(f"{self.folder}/{EDITOR}")
        found = [
            Kept(f"{self.folder}/{EDITOR}{name}", int(match[1]), match[2])
            for name in names
            if (match := _SETTINGS.fullmatch(name))
        ]
        return max(found, key=lambda kept: (kept.number, kept.sha256), default=None)

    def keep_settings(self, file: Path, sha256: str) -> None:
        """Add settings under the next number; equal ones to the newest are there already.

        Raises:
            StorageError: The storage does not answer or is full.
        """
        newest = self.newest_settings()
        if newest is None or newest.sha256 != sha256:
            number = newest.number + 1 if newest else 1
            self.mount.put(file, f"{self.folder}/{EDITOR}{number}.{sha256}.tar.zst", sha256)

    def archive(self, name: str) -> Kept | None:
        """The archive of an installation of this name, None where there is none.

        Raises:
            StorageError: The storage does not answer.
        """
        for file in self.mount.walk(SHARED):
            match = _ARCHIVE.fullmatch(file)
            if match and match[1] == name:
                return Kept(SHARED + file, 0, match[2])
        return None

    def keep_archive(self, name: str, file: Path, sha256: str) -> None:
        """Add the archive of an installation.

        Raises:
            StorageError: The storage does not answer or is full.
        """
        self.mount.put(file, f"{SHARED}{name}.{sha256}.tar.zst", sha256)

    def fetch(self, kept: Kept, target: Path, listen: Listen | None = None) -> None:
        """Copy a file here.

        Raises:
            StorageError: The storage does not answer, or the file is torn.
        """
        (answer,) = self.mount.get([(kept.path, target)], listen)
        if isinstance(answer, StorageError):
            raise answer
        if answer != kept.sha256:
            raise StorageError(
                f"{Path(kept.path).name} is torn in the vault.",
                safe="Nothing of it was used.",
                hint="An older copy is used, else it is downloaded; see `gitsession doctor`.",
            )
