"""The shadow repository: bare, ours, on the same disk, with our snapshots and links to the user's objects.

A snapshot is *local* as one record of the journal. `settle` turns records into a pack and moves the ref, so
that git sees them; what is settled is told by one small file, so a kill at any moment loses nothing and
repeats at most harmless work.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from gitsession import files, git
from gitsession.errors import OBJECT_LOST, FormatError, GitError, SaveError
from gitsession.git import objects
from gitsession.snapshot import encode, mirror, pack, tend
from gitsession.snapshot.at_hand import TreesAtHand
from gitsession.snapshot.disk import disk_errors
from gitsession.snapshot.journal import LOCK_PATIENCE, Body, Journal
from gitsession.snapshot.links import Links
from gitsession.snapshot.record import Stored
from gitsession.snapshot.user import UserRepository
from gitsession.snapshot.values import Tip

FORMAT = 1
TIP_REF = "refs/gitsession-local/tip"
_SETTLED = "gitsession-settled.json"
_DIRECTORIES = ("objects/pack", "objects/info", "refs/heads", "refs/gitsession-local", "info", "sweep")
_LEFTOVERS = ("*.lock", "sweep/*.lock", "objects/pack/tmp_*", "objects/tmp_*", "objects/??/tmp_*")


class Shadow:
    """One session's shadow repository, open in this process alone; safe to use from several threads.

    Example:
        >>> with Shadow.open(places.shadow, user) as shadow:  # doctest: +SKIP
        ...     print(shadow.tip())
    """

    def __init__(self, directory: Path, user: UserRepository, journal: Path, patience: float) -> None:
        self.directory = directory
        self.user = user
        self.lock = threading.RLock()
        self._settling = threading.RLock()
        self.repository = git.Repository(directory)
        _lay_out(directory)
        self._settled, self._tip = _read_settled(directory / _SETTLED)
        self._journal = Journal(journal, settled=self._settled, patience=patience)
        self._tip = self._journal.records[-1].tip if self._journal.records else self._tip
        self._reader = objects.Reader(self.repository)
        self._trees = TreesAtHand(self._reader)
        self._links = Links(user.objects, directory / "objects")

    @classmethod
    def open(
        cls,
        directory: Path,
        user: UserRepository,
        *,
        journal: Path | None = None,
        patience: float = LOCK_PATIENCE,
    ) -> Shadow:
        """Create the repository or open it again, and link the user's objects into it.

        Args:
            directory: Where it lies, on the same file system as the user's repository if links are to work.
            user: The user's repository.
            journal: The journal's directory; `journal` beside `directory` by default.
            patience: Seconds to wait for another process that has it open.

        Raises:
            SessionError: Another process has it open.
            FormatError: A newer gitsession wrote it.
        """
        shadow = cls(directory, user, journal or directory.with_name("journal"), patience)
        try:
            _clear(directory)
            shadow.mirror()
            shadow.adopt_objects()
        except BaseException:
            shadow.close()
            raise
        return shadow

    def __enter__(self) -> Shadow:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it, so that another process can open it."""
        with self.lock:
            self._reader.close()
            self._journal.close()

    def mirror(self) -> bool:
        """Copy the settings of the user's that bear on what git records; answers whether any changed."""
        self.settings = mirror.user_settings(self.user)
        return mirror.write(self.directory, self.user, self.settings)

    def tip(self) -> Tip | None:
        """The newest local snapshot, None before the first."""
        return self._tip

    def newest(self) -> Tip:
        """The newest local snapshot, where there must be one.

        Raises:
            SaveError: There is none yet.
        """
        if self._tip is None:
            raise SaveError("There is no snapshot yet.", hint="Change or add a file; it is saved by itself.")
        return self._tip

    def body(self) -> Body:
        """A place to gather the objects of the next snapshot."""
        return Body(self._journal)

    def append(self, tip: Tip, body: Body) -> None:
        """Make a snapshot durable: *local* when this returns.

        Raises:
            SaveError: The disk is full or failing; the snapshots before stand.
        """
        with self.lock:
            self._journal.append(tip, body)
            self._tip = tip

    def read(self, oid: bytes) -> bytes:
        """An object's content, settled or not.

        Raises:
            GitError: It is missing.
        """
        with self.lock:
            stored = self._journal.find(oid)
            content = self._journal.read(stored) if stored else self._reader.read(oid.hex())
        if content is None:
            raise GitError(f"The object {oid.hex()} is missing.", hint=OBJECT_LOST)
        return content

    def read_tree(self, oid: bytes) -> bytes:
        """A tree's content, to keep: where it was at hand it is not any more.

        Raises:
            GitError: It is missing.
        """
        return self._trees.pop(oid) or self.read(oid)

    def gather_trees(self, root: bytes) -> None:
        """Have the trees of a settled snapshot at hand, once: no save in a new directory waits for git."""
        with self.lock:
            self._trees.gather(root)

    def settle(self) -> None:
        """Turn the journal into a pack and move the ref; after it git sees every snapshot.

        Raises:
            SaveError: The disk is full or failing; every snapshot stands in the journal.
        """
        with self._settling, disk_errors():
            with self.lock:
                records, stored = self._journal.records[-1:], self._journal.stored()
            for newest in records:
                pack.write(self.directory / "objects/pack", self._entries(stored), len(stored))
                with self.lock:
                    self._point_at(newest.tip, newest.serial)
                    self._journal.forget(newest.serial)

    def _entries(self, stored: Iterable[Stored]) -> Iterator[tuple[bytes, Iterator[bytes]]]:
        for one in stored:
            yield one.oid, encode.entry(one.kind, one.size, self._journal.pieces(one))

    def adopt(self, number: int, commit: str) -> None:
        """Make a commit that git knows, such as one of a resume, the newest snapshot.

        Raises:
            GitError: There is no such commit.
        """
        self.settle()
        with self.lock:
            tree = objects.tree_of(self.repository, commit)
            if tree is None:
                raise GitError(f"The snapshot {commit} is missing.", hint=OBJECT_LOST)
            with disk_errors():
                self._tip = Tip(number, commit, tree)
                self._point_at(self._tip, self._journal.serial)

    def adopt_objects(self) -> None:
        """Link what is new in the user's object store, so that their `git gc` takes nothing from us."""
        with self.lock:
            self._links.follow()

    def tend(self) -> bool:
        """One bounded step of packing, for a quiet moment; answers whether there was anything to do.

        No save waits for it, only `settle` does.
        """
        with self._settling, disk_errors():
            return tend.step(self.repository, self._links.orphans())

    def _point_at(self, tip: Tip, serial: int) -> None:
        """Move the ref, then say what is settled: a kill in between repeats harmless work."""
        files.write_atomically(self.directory / TIP_REF, f"{tip.commit}\n".encode())
        content = {"format": FORMAT, "serial": serial, "tip": asdict(tip)}
        files.write_atomically(self.directory / _SETTLED, json.dumps(content).encode())


def _lay_out(directory: Path) -> None:
    """Create what git takes for a repository, durably and without a process; again after a kill."""
    for name in _DIRECTORIES:
        files.make_directory(directory / name)
    if not (directory / "HEAD").exists():
        files.write_atomically(directory / "HEAD", b"ref: refs/heads/none\n")


def _read_settled(path: Path) -> tuple[int, Tip | None]:
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return 0, None
    if content["format"] > FORMAT:
        raise FormatError(
            "This session's local state was written by a newer gitsession.",
            safe="Nothing was changed.",
            hint="Update gitsession: `pip install -U gitsession`.",
        )
    return content["serial"], Tip(**content["tip"])


def _clear(directory: Path) -> None:
    """Remove what killed processes left; nobody else works here while we hold the journal."""
    for place in (directory, *(directory / name for name in _DIRECTORIES)):
        files.clear_temporaries(place)
    for pattern in _LEFTOVERS:
        for path in directory.glob(pattern):
            with suppress(FileNotFoundError):
                path.unlink()
