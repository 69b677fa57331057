"""What is known of contents that only the vault keeps: each is hashed and stored once, whatever its path."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from gitsession import files
from gitsession.errors import StorageError
from gitsession.model import Held, Level
from gitsession.replicas.held import HeldFiles
from gitsession.snapshot.state.kept import EXECUTABLE, LINK, REGULAR, Keeping, KeptFile

MEMORY = "gitsession-contents.json"
CHUNK = 1 << 20
Signature = tuple[int, int, int]
Listen = Callable[[int], None]


@dataclass(frozen=True)
class Seen:
    """A file as one look saw it.

    Args:
        signature: Inode, size and modification time: while they stay, the content does, whatever its name.
        mode: As in a tree.
        link: Where a symbolic link points.
    """

    signature: Signature
    mode: int
    link: str = ""


@dataclass(frozen=True)
class Memory:
    """What outlives the agent's process on this machine; a cache, but for what no state commit has yet.

    Args:
        keeping: What the session keeps beside its snapshots.
        known: The SHA-256 of contents by the signature of the file that had them.
        salt: What the names of findings are salted with, unless the session has brought a salt of its own.
    """

    keeping: Keeping = field(default_factory=Keeping)
    known: Mapping[Signature, str] = field(default_factory=dict)
    salt: str = field(default_factory=lambda: secrets.token_hex(16))

    def save(self, place: Path) -> None:
        """Write it down, atomically."""
        known = [[*signature, sha256] for signature, sha256 in self.known.items()]
        text = json.dumps({"keeping": self.keeping.to_json(), "known": known, "salt": self.salt})
        files.write_atomically(place, text.encode())

    @classmethod
    def load(cls, place: Path) -> Memory | None:
        """Read it; None where there is none."""
        try:
            told = json.loads(place.read_bytes())
            known = {(inode, size, mtime): sha256 for inode, size, mtime, sha256 in told["known"]}
            return cls(Keeping.from_json(told["keeping"]), known, str(told["salt"]))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


class Contents:
    """The contents of held and kept files; safe to use from several threads.

    Args:
        root: The work tree.
        memory: What is known from before.
        place: Where that is written down.

    Attributes:
        version: Grows with everything that a state commit should say.
        salt: What the names of the guard's findings are salted with.
    """

    def __init__(self, root: Path, memory: Memory, place: Path) -> None:
        self.version = 0
        self._root = root
        self._place = place
        self._lock = threading.RLock()
        self._known = dict(memory.known)
        self.salt = memory.keeping.salt or memory.salt
        self._keeping = memory.keeping
        self._awaited = memory.keeping.awaited
        self._stored = {file.path: file for file in memory.keeping.files if not file.awaited}
        self._levels = {file.sha256: file.level for file in self._stored.values() if file.sha256}
        self._present: dict[str, Seen] = {}
        self._looked = False

    @property
    def keep(self) -> tuple[str, ...]:
        """The patterns of ignored files that are kept."""
        return self._keeping.keep

    @property
    def awaited(self) -> tuple[KeptFile, ...]:
        """The files that the vault has and the work tree has not, or not yet."""
        return self._awaited

    @property
    def allowed(self) -> Mapping[str, tuple[str, ...]]:
        """What may leave although the guard would hold it."""
        return self._keeping.allowed

    def allow(self, allowed: Mapping[str, Sequence[str]]) -> None:
        """Replace what may leave."""
        with self._lock:
            told = {kind: tuple(items) for kind, items in allowed.items() if items}
            salt = self.salt if told.get("findings") else ""
            self._keeping = replace(self._keeping, allowed=told, salt=salt)
            self.version += 1
        self.save()

    def see(self, path: str) -> Seen | None:
        """A regular file or a symbolic link of the work tree; None for anything else."""
        try:
            seen = os.lstat(self._root / path)
            signature = (seen.st_ino, seen.st_size, seen.st_mtime_ns)
            if stat.S_ISLNK(seen.st_mode):
                return Seen(signature, LINK, os.fspath((self._root / path).readlink()))
        except OSError:
            return None
        if not stat.S_ISREG(seen.st_mode):
            return None
        return Seen(signature, EXECUTABLE if seen.st_mode & stat.S_IXUSR else REGULAR)

    def look(self, paths: Iterable[str], held: Collection[str]) -> None:
        """Take over which ignored files there are to be kept, and which files are held; forget all others."""
        present = {path: seen for path in paths if (seen := self.see(path)) is not None}
        with self._lock:
            if present != self._present or not self._looked:
                self._present, self._looked = present, True
                self.version += 1
            self._stored = {
                path: file for path, file in self._stored.items() if path in present or path in held
            }

    def levelled(self, items: Iterable[Held]) -> tuple[Held, ...]:
        """Held files, each with the level of its newest content and the name of what the vault has of it."""
        return tuple(map(self._levelled, items))

    def kept(self) -> tuple[KeptFile, ...]:
        """The ignored files that are kept, as they are now, each with the level of this very content."""
        with self._lock:
            return tuple(self._as_kept(path, seen) for path, seen in self._present.items())

    def keeping(self, held: Iterable[Held], *, nameless: Collection[str] = ()) -> Keeping:
        """What a state commit says: of each file the newest version that the vault has.

        Args:
            held: The held files.
            nameless: Paths whose content's hash may not be told, since it could be guessed from it.
        """
        with self._lock:
            links = {path: self._as_kept(path, seen) for path, seen in self._present.items() if seen.link}
            stored = {**self._stored, **links}
            present = self._present if self._looked else self._stored
            paths = dict.fromkeys([*present, *(item.path for item in held)])
            there = (stored[path] for path in paths if path in stored and path not in nameless)
            awaited = (file for file in self._awaited if file.path not in nameless)
            return replace(self._keeping, files=(*awaited, *there))

    def store(self, path: str, place: HeldFiles, listen: Listen) -> bool:
        """Bring a file's content to the vault, unless it is known to be there; answers whether it was new.

        Of a file that grows meanwhile it is what the file had at first.

        Raises:
            StorageError: The vault does not answer or is full.
            OSError: The file cannot be read.
        """
        seen = self.see(path)
        if seen is None or seen.mode == LINK:
            return False
        sha256 = self._known.get(seen.signature) or self._hash(path, seen, listen)
        if sha256 is None:
            return False
        is_new = self._levels.get(sha256, Level.NONE) < Level.STORED
        if is_new and not self._put(path, seen, sha256, place, listen):
            return False
        _, size, mtime = seen.signature
        self._note(KeptFile(path, sha256, size, seen.mode, mtime, self._levels[sha256]))
        return is_new

    def _put(self, path: str, seen: Seen, sha256: str, place: HeldFiles, listen: Listen) -> bool:
        try:
            level = place.keep(self._root / path, sha256, size=seen.signature[1], listen=listen)
        except StorageError:
            if self.see(path) == seen:
                raise
            return False  # it was rewritten meanwhile: the next look finds it again
        self._levels[sha256] = level
        return True

    def prove(self, place: HeldFiles) -> None:
        """Ask the vault what it has of what was stored before, and how strongly.

        Raises:
            StorageError: The vault does not answer.
        """
        with self._lock:
            sizes = {file.sha256: file.size for file in self._stored.values() if file.sha256}
        levels = place.levels(sizes) if sizes else {}
        with self._lock:
            if any(self._levels.get(sha256) != level for sha256, level in levels.items()):
                self._levels.update(levels)
                self._stored = {path: self._relevelled(file) for path, file in self._stored.items()}
                self.version += 1

    def uploading(self) -> bool:
        """Whether something is stored that a mount may yet say to be safe."""
        return any(level is Level.STORED for level in self._levels.values())

    def came_back(self, back: Sequence[tuple[KeptFile, str]]) -> None:
        """Files are in the work tree again, each at a path of its own or another."""
        gone = {(file.path, file.sha256) for file, _ in back}
        with self._lock:
            self._awaited = tuple(file for file in self._awaited if (file.path, file.sha256) not in gone)
            for file, path in back:
                seen = self.see(path)
                if seen is not None and file.sha256:
                    self._known[seen.signature] = file.sha256
                    self._levels[file.sha256] = max(file.level, Level.STORED)
            self.version += 1
        self.save()

    def save(self) -> None:
        """Write down what is known."""
        with self._lock:
            wanted = {*self._levels}
            known = {signature: sha256 for signature, sha256 in self._known.items() if sha256 in wanted}
            keeping = replace(self._keeping, files=(*self._awaited, *self._stored.values()))
        with suppress(OSError):  # a full disk: what is known is found out again
            Memory(keeping, known, self.salt).save(self._place)

    def _note(self, file: KeptFile) -> None:
        with self._lock:
            if self._stored.get(file.path) != file:
                self._stored[file.path] = file
                self.version += 1

    def _relevelled(self, file: KeptFile) -> KeptFile:
        return replace(file, level=self._levels.get(file.sha256, file.level))

    def _level(self, seen: Seen) -> Level:
        sha256 = self._known.get(seen.signature)
        return self._levels.get(sha256, Level.NONE) if sha256 is not None else Level.NONE

    def _as_kept(self, path: str, seen: Seen) -> KeptFile:
        _, size, mtime = seen.signature
        if seen.link:
            return KeptFile(path, "", size, LINK, mtime, Level.SAFE, seen.link)
        return KeptFile(path, self._known.get(seen.signature, ""), size, seen.mode, mtime, self._level(seen))

    def _levelled(self, item: Held) -> Held:
        seen, stored = self.see(item.path), self._stored.get(item.path)
        level = Level.NONE if seen is None else self._level(seen)
        return replace(item, level=level, sha256="" if stored is None else stored.sha256)

    def _hash(self, path: str, seen: Seen, listen: Listen) -> str | None:
        digest, left = hashlib.sha256(), seen.signature[1]
        with (self._root / path).open("rb") as file:
            while left and (chunk := file.read(min(CHUNK, left))):
                digest.update(chunk)
                left -= len(chunk)
                listen(0)
        if left:
            return None
        self._known[seen.signature] = digest.hexdigest()
        return digest.hexdigest()
