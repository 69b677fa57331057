"""Contents that may not leave for the remote, and kept files: in the vault, named by their hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitsession.errors import StorageError
from gitsession.model import Level
from gitsession.replicas.mount import Listen, Mount


@dataclass(frozen=True)
class HeldFiles:
    """The `held/` folder of a repository in a vault: add-only, shared by all its sessions.

    Args:
        mount: The vault's storage.
        folder: The repository's folder below it.
    """

    mount: Mount
    folder: str

    def keep(
        self, source: Path, sha256: str, *, size: int | None = None, listen: Listen | None = None
    ) -> Level:
        """Keep a file's content under its SHA-256, and say how strongly it is kept.

        A copy that was cut short is continued; one that is there already is read and proved.

        Args:
            source: The file.
            sha256: Of its content.
            size: How many bytes of it are meant, where it may have grown since.
            listen: Told how many bytes have moved, several times.

        Raises:
            StorageError: The storage does not answer or is full, or the file changed meanwhile.
        """
        identity, _ = self.mount.put(source, self._path(sha256), sha256, size=size, listen=listen)
        return Level.SAFE if is_uploaded(identity) else Level.STORED

    def fetch(
        self, wanted: Sequence[tuple[str, Path]], listen: Listen | None = None
    ) -> tuple[StorageError | None, ...]:
        """Copy contents to local files, several at once; answers with what is wrong with each, else None.

        A file whose content cannot be had is left behind as it came.

        Raises:
            StorageError: The storage does not answer.
        """
        got = self.mount.get([(self._path(sha256), target) for sha256, target in wanted], listen)
        return tuple(_wrong(sha256, answer) for (sha256, _), answer in zip(wanted, got, strict=True))

    def levels(self, sizes: Mapping[str, int]) -> dict[str, Level]:
        """How strongly contents are kept, by their SHA-256 and the size that each should have.

        It asks for names, sizes and uploads, and reads no content.

        Raises:
            StorageError: The storage does not answer.
        """
        paths = [self._path(sha256) for sha256 in sizes]
        found = zip(sizes.items(), self.mount.stats(paths), self.mount.identities(paths), strict=True)
        return {
            sha256: _level(seen is not None and seen[0] == size, identity)
            for (sha256, size), seen, identity in found
        }

    def _path(self, sha256: str) -> str:
        return f"{self.folder}/held/{sha256}"


def is_uploaded(identity: str | None) -> bool:
    """Whether Drive's `user.drive.id` says that a file is there: while it is not, it starts with `local`."""
    return bool(identity) and not str(identity).startswith("local")


def _level(is_whole: bool, identity: str | None) -> Level:
    if not is_whole:
        return Level.NONE
    return Level.SAFE if is_uploaded(identity) else Level.STORED


def _wrong(sha256: str, answer: str | StorageError) -> StorageError | None:
    if isinstance(answer, StorageError):
        return answer
    if answer != sha256:
        return StorageError(
            f"The held content {sha256[:12]} is torn in the vault.",
            hint="It is stored again while this machine has the file; `gitsession status` shows it.",
        )
    return None
