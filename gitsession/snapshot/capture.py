"""Looking at paths of the work tree: what each is now, as a tree would say it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gitsession import git
from gitsession.model import Held, Skipped
from gitsession.snapshot import encode, lfs, names, nested, worktree
from gitsession.snapshot.converting import Made, converted
from gitsession.snapshot.hashing import streamed
from gitsession.snapshot.journal import Body
from gitsession.snapshot.lfs import Pointers
from gitsession.snapshot.rules import Conversion, Rules
from gitsession.snapshot.trees import EXECUTABLE, LINK, REGULAR, SUBMODULE, TREE, Entry, Trees
from gitsession.snapshot.values import Limits
from gitsession.snapshot.worktree import Place, WorkTree

ATTEMPTS = 3
LARGEST_HASHED = 1 << 30  # bytes that a save may wait for, to tell touched files of Git LFS from changed
IN_MEMORY = 8 << 20
INCOMPLETE = "it was written while it was read; the next sweep looks again"


@dataclass(frozen=True)
class Means:
    """What looking at a path needs, the same for every path of one pass.

    Args:
        root: The work tree.
        seed: The shadow repository with the work tree and an index like the user's.
        rules: What git's rule files say.
        limits: What is too large.
        held: Paths whose new content stays out, with reasons.
        frozen: Paths that git leaves alone, by their entries in the user's index.
        trust_mode: Whether the executable bit counts.
        pointers: What is known of files of Git LFS.
        symlinks: Whether the file system has symlinks; else a regular file can stand for one.
    """

    root: Path
    seed: git.Repository
    rules: Rules
    limits: Limits
    held: Mapping[bytes, str]
    frozen: Mapping[bytes, Entry]
    pointers: Pointers = field(default_factory=Pointers)
    trust_mode: bool = True
    symlinks: bool = True


class Capture:
    """One pass over some paths.

    Args:
        means: What looking needs.
        trees: The newest snapshot.
        body: Where new objects go.
        admit: Whether a path that no snapshot holds yet may come in.

    Attributes:
        body: The new objects; nothing may be settled before it is appended.
        changes: What differs from the trees; None for what is gone.
        skipped: Why a path is not recorded, or not surely whole.
        held: The paths whose new content is left out.
        looked: The paths looked at.
    """

    def __init__(self, means: Means, trees: Trees, body: Body, admit: Callable[[bytes], bool]) -> None:
        self._means = means
        self._admit = admit
        self._trees = trees
        self.body = body
        self._convert: list[bytes] = []
        self.changes: dict[bytes, Entry | None] = {}
        self.skipped: dict[bytes, Skipped] = {}
        self.held: dict[bytes, Held] = {}
        self.looked: set[bytes] = set()

    def look(self, paths: Iterable[bytes]) -> None:
        """Look at every path and gather the new objects."""
        with WorkTree(self._means.root) as tree:
            for path in sorted(paths):
                self._look_at(tree, path)
            self._look_at_converted(tree)

    def confirmed(self) -> dict[bytes, Entry | None]:
        """The paths looked at that are as the newest snapshot has them; None for what it has no file at."""
        unsure = {*self.changes, *self.held, *self.skipped}
        known = {path: self._trees.entry(path) for path in self.looked - unsure if not path.endswith(b"/")}
        return {path: None if entry and entry.mode == TREE else entry for path, entry in known.items()}

    def set(self, path: bytes, entry: Entry | None) -> None:
        """Record what a path is, where that is news."""
        if self._trees.entry(path) != entry:
            self.changes[path] = entry

    def _look_at(self, tree: WorkTree, path: bytes) -> None:
        self.looked.add(path)
        if path in self._means.frozen:
            return
        plain = path.rstrip(b"/")
        place = tree.place(plain)
        seen = place.stat() if place else None
        if place is None or seen is None:
            self._gone(tree, path)
            return
        refused = names.refusal(plain, symlink=stat.S_ISLNK(seen.st_mode))
        if not stat.S_ISREG(seen.st_mode):  # whose content is held instead
            refused = refused or self._objection(plain)
        if refused:
            self._skip(path, refused)
        elif self._trees.entry(plain) is None and not self._admit(plain):
            return
        elif stat.S_ISDIR(seen.st_mode):
            self._directory(plain)
        elif stat.S_ISLNK(seen.st_mode):
            self._link(path, place)
        elif stat.S_ISREG(seen.st_mode):
            self._regular(path, place, seen)
        else:
            self._skip(path, f"{worktree.kind(seen.st_mode)}, which git cannot hold")

    def _gone(self, tree: WorkTree, path: bytes) -> None:
        barred = self._means.held.get(path)
        if barred and self._trees.entry(path) is not None:
            self._skip(path, f"that it is gone may not leave: {barred}")
            return
        self.set(path, None)
        obstacle = tree.obstacle(path)
        if obstacle is not None and obstacle not in self.looked:
            self._look_at(tree, obstacle)

    def _directory(self, path: bytes) -> None:
        """A nested repository is recorded by its commit, as git does; a plain one's files come by name."""
        known = self._trees.entry(path)
        inner = nested.repository_at(self._means.root / os.fsdecode(path))
        if inner is None:
            if known is not None and known.mode not in (b"40000", SUBMODULE):
                self.set(path, None)
            return
        commit = nested.head(inner)
        if commit is not None:
            self.set(path, Entry(SUBMODULE, bytes.fromhex(commit)))
        elif known is None:
            self._skip(path, "a repository without a commit")

    def _link(self, path: bytes, place: Place) -> None:
        try:
            content = place.link()
        except OSError:
            self._skip(path, INCOMPLETE)
            return
        self._record(path, LINK, content)

    def _regular(self, path: bytes, place: Place, seen: os.stat_result) -> None:
        if self._is_held(path, seen, self._means.held.get(path) or self._objection(path)):
            return
        conversion = self._means.rules.conversion(path)
        if conversion is Conversion.LFS and not lfs.lies_in(place, seen.st_size):
            self._stand_for(path, place, seen)  # however large: its content goes into no commit
            return
        if self._is_held(path, seen, self._means.limits.too_large(os.fsdecode(path), seen.st_size)):
            return
        if conversion is Conversion.PROGRAM:
            self._convert.append(path)
            return
        if not any(self._read(path, place, conversion) for _ in range(ATTEMPTS)):
            self._skip(path, INCOMPLETE)

    def _stand_for(self, path: bytes, place: Place, seen: os.stat_result) -> None:
        """Hold a file of Git LFS, unless the pointer in the snapshot stands for this very content."""
        known = self._trees.entry(path)
        if known is None or seen.st_size > LARGEST_HASHED:
            self._is_held(path, seen, lfs.HELD)
            return
        try:
            with place.opened() as fd:
                stands_for = self._means.pointers.of(os.fstat(fd), worktree.pieces(fd, seen.st_size))
        except OSError as problem:
            self._skip(path, f"it cannot be read: {problem.strerror}")
            return
        if not self._is_held(path, seen, "" if known.oid == stands_for else lfs.HELD):
            self.set(path, Entry(self._mode(path, seen), stands_for))

    def _objection(self, path: bytes) -> str:
        """Why a path that no snapshot holds yet may not come in for its name."""
        return "" if self._trees.entry(path) is not None else self._means.limits.barred(os.fsdecode(path))

    def _is_held(self, path: bytes, seen: os.stat_result, reason: str) -> bool:
        if reason:
            self.held[path] = Held(os.fsdecode(path), reason, seen.st_size)
        return bool(reason)

    def _read(self, path: bytes, place: Place, conversion: Conversion) -> bool:
        """Read a file once; False when it changed meanwhile, and what was read is recorded all the same."""
        try:
            with place.opened() as fd:
                before = os.fstat(fd)
                if not stat.S_ISREG(before.st_mode):
                    return False
                if before.st_size <= IN_MEMORY:
                    self._read_small(path, fd, before, conversion)
                else:
                    self._read_large(path, fd, before, conversion)
                return worktree.unchanged(before, os.fstat(fd))
        except (FileNotFoundError, NotADirectoryError):
            self.set(path, None)
            return True
        except OSError as problem:
            self._skip(path, f"it cannot be read: {problem.strerror}")
            return True

    def _read_small(self, path: bytes, fd: int, seen: os.stat_result, conversion: Conversion) -> None:
        content = b"".join(worktree.pieces(fd, seen.st_size))
        if conversion is Conversion.LINE_ENDS and b"\r" in content:
            self._convert.append(path)
        else:
            self._record(path, self._mode(path, seen), content)

    def _read_large(self, path: bytes, fd: int, seen: os.stat_result, conversion: Conversion) -> None:
        mark = self.body.mark()
        oid, has_returns = streamed(self.body, fd, seen.st_size)
        if conversion is Conversion.LINE_ENDS and has_returns:
            self.body.rewind(mark)
            self._convert.append(path)
            return
        known = self._trees.entry(path)
        if oid is None or (known is not None and known.oid == oid) or oid in self.body:
            self.body.rewind(mark)
        else:
            self.body.note(b"blob", oid, seen.st_size)
        if oid is not None:
            self.set(path, Entry(self._mode(path, seen), oid))

    def _mode(self, path: bytes, seen: os.stat_result) -> bytes:
        if not (self._means.symlinks and self._means.trust_mode):
            known = self._trees.entry(path)
            if known is not None and known.mode == LINK and not self._means.symlinks:
                return LINK
            if not self._means.trust_mode:
                return known.mode if known is not None and known.mode == EXECUTABLE else REGULAR
        return EXECUTABLE if seen.st_mode & stat.S_IXUSR else REGULAR

    def _record(self, path: bytes, mode: bytes, content: bytes) -> None:
        oid = encode.name(b"blob", content)
        known = self._trees.entry(path)
        if known is None or known.oid != oid:
            self.body.add(b"blob", content, oid)
        if known is None or known.oid != oid or known.mode != mode:
            self.changes[path] = Entry(mode, oid)
        else:
            self.changes.pop(path, None)

    def _look_at_converted(self, tree: WorkTree) -> None:
        """Let git read the files whose bytes it changes, and take over what it wrote."""
        if not self._convert:
            return
        before = {path: tree.stat(path) for path in dict.fromkeys(self._convert)}
        regular = {path: seen for path, seen in before.items() if seen and stat.S_ISREG(seen.st_mode)}
        for path, made in converted(self._means.seed, list(regular)):
            if made.problem:
                self._skip(path, f"git cannot convert it: {made.problem}")
            else:
                self._take_over(path, regular[path], made)
        for path, seen in before.items():
            if seen is not None and not worktree.unchanged(seen, tree.stat(path)):
                self._skip(path, INCOMPLETE)

    def _take_over(self, path: bytes, seen: os.stat_result, made: Made) -> None:
        known = self._trees.entry(path)
        content = made.content() if known is None or known.oid != made.oid else None
        if content is not None:
            self.body.add(b"blob", content, made.oid)
        self.set(path, Entry(self._mode(path, seen), made.oid))

    def _skip(self, path: bytes, reason: str) -> None:
        self.skipped[path] = Skipped(os.fsdecode(path), reason)
