"""Contents that may not leave for the remote, and kept files: in the vault, named by their hash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitsession.errors import StorageError
from gitsession.model import Level
from gitsession.replicas.bundles import CONDEMNED
from gitsession.replicas.mount import Listen, Mount

GONE = ".gone"


@dataclass(frozen=True)
class HeldFiles:
    """The `held/` folder of a repository in a vault: add-only, shared by all its sessions.

    What `prune` wants to remove it condemns first, by another name; a later runtime removes it. Whoever needs
    it meanwhile gives it its name back: a rename happens or not, so that no two can both have their way.

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
        self.reprieve([sha256])
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
        wrong = self._get(wanted, self._path, listen)
        again = [one for one, error in zip(wanted, wrong, strict=True) if error is not None]
        found = dict(zip(again, self._get(again, self._condemned, listen), strict=True)) if again else {}
        return tuple(
            error if found.get(one, error) is not None else None
            for one, error in zip(wanted, wrong, strict=True)
        )

    def _get(
        self, wanted: Sequence[tuple[str, Path]], path: Callable[[str], str], listen: Listen | None
    ) -> tuple[StorageError | None, ...]:
        got = self.mount.get([(path(sha256), target) for sha256, target in wanted], listen)
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

    def condemn(self, contents: Iterable[str]) -> None:
        """Give contents the name under which a later runtime may remove them.

        Raises:
            StorageError: The storage does not answer.
        """
        self.mount.move([(self._path(sha256), self._condemned(sha256)) for sha256 in contents], over=True)

    def reprieve(self, contents: Iterable[str]) -> None:
        """Give condemned contents their names back, where nobody has stored them again.

        Raises:
            StorageError: The storage does not answer.
        """
        self.mount.move([(self._condemned(sha256), self._path(sha256)) for sha256 in contents])

    def remove(self, contents: Iterable[str]) -> None:
        """Remove contents that are condemned still; from the first moment on nobody can have them back.

        Raises:
            StorageError: The storage does not answer; what is left is removed by the next try.
        """
        pairs = [(self._condemned(sha256), f"{self._path(sha256)}{GONE}") for sha256 in contents]
        self.mount.move(pairs, over=True)
        self.mount.remove([gone for _, gone in pairs])

    def _condemned(self, sha256: str) -> str:
        return f"{self._path(sha256)}{CONDEMNED}"

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
