"""Putting files back: from a snapshot into the work tree, byte for byte, and never outside of it.

Every file is written beside its place and renamed over it, so that a reader or a kill sees the old or the
new. Directories are walked by handle, so that no symlink leads elsewhere.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gitsession import git
from gitsession.errors import OBJECT_LOST, GitError
from gitsession.files import TEMPORARY_PREFIX
from gitsession.git import checkout, index, objects
from gitsession.git import lfs as git_lfs
from gitsession.model import Skipped
from gitsession.snapshot import extent, lfs, names, trees
from gitsession.snapshot.hashing import differs
from gitsession.snapshot.rules import Conversion, Rules
from gitsession.snapshot.worktree import Place, WorkTree

ABSENT = b"000000"
WORTH_A_CHECKOUT = 100  # files from which on two processes cost less than writing one by one


@dataclass(frozen=True)
class Restored:
    """What `restore` did: the paths written, removed, and left alone with the reason."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    skipped: tuple[Skipped, ...]


def restore(
    repository: git.Repository,
    commit: str,
    work_tree: Path,
    paths: Collection[str] | None = None,
    *,
    base: str | None = None,
    settings: Mapping[str, str] | None = None,
    fresh: bool = False,
) -> Restored:
    """Make the work tree, or some paths of it, what a snapshot holds.

    Args:
        repository: Where git sees the snapshot.
        commit: The snapshot's commit, or a tree.
        work_tree: Where to write.
        paths: The files and directories to restore; everything by default.
        base: A commit or tree that the work tree equals, such as a snapshot just taken. Only what differs
            from it is touched, and what it has but `commit` has not is removed. Without it nothing is
            removed, and a file with the right content already is left as it is.
        settings: The settings in force, where they are known already.
        fresh: Nobody uses the work tree yet, so that its files may be seen half written: git does most.

    Raises:
        GitError: The snapshot, or an object of it, is missing.
        FormatError: A tree of it is damaged.
        OSError: The disk is full or failing; each file is either as before or restored.
    """
    handle = replace(repository, work_tree=work_tree)
    if settings is None:
        settings = index.settings_in_force(handle)
    with _Restoring(handle, work_tree, settings, trust=base is not None) as restoring:
        restoring.check_extent(commit, base)
        changes = objects.differences(handle, base or trees.EMPTY_TREE.hex(), commit, sorted(paths or ()))
        for change in reversed(changes):
            if change.new_mode == ABSENT:
                restoring.remove(change)
        attributes, rest = _ordered(change for change in changes if change.new_mode != ABSENT)
        for change in attributes:
            restoring.write([change])
        if fresh:
            rest = restoring.fill(rest)
        for start in range(0, len(rest), objects.MAX_AHEAD):
            restoring.write(rest[start : start + objects.MAX_AHEAD])
        return restoring.done()


def _ordered(changes: Iterable[objects.Change]) -> tuple[list[objects.Change], list[objects.Change]]:
    """What is written first, one by one, since attribute files decide the bytes of others; and the rest."""
    attributes: list[objects.Change] = []
    rest: list[objects.Change] = []
    for change in sorted(changes, key=lambda change: change.path):
        is_rule = change.path.rpartition(b"/")[2] == b".gitattributes"
        (attributes if is_rule else rest).append(change)
    return attributes, rest


class _Restoring:
    """One pass of restoring, with the processes that it needs."""

    def __init__(
        self, repository: git.Repository, root: Path, settings: Mapping[str, str], *, trust: bool
    ) -> None:
        self._root = root
        self._trust = trust
        self._repository = repository
        self._plain = objects.Reader(repository)
        config = {**repository.config, **git_lfs.as_it_is()}
        self._filtered = objects.Reader(replace(repository, config=config), filtered=True)
        self._rules = Rules(repository, settings)
        self._written: list[bytes] = []
        self._removed: list[bytes] = []
        self._skipped: dict[bytes, str] = {}

    def __enter__(self) -> _Restoring:
        self._tree = WorkTree(self._root)
        self._plain.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._tree.close()
        self._plain.close()
        self._filtered.close()
        self._rules.close()

    def check_extent(self, commit: str, base: str | None) -> None:
        """Refuse what names more files than a disk could hold."""
        extent.check(self._plain, commit, base)

    def done(self) -> Restored:
        skipped = tuple(Skipped(os.fsdecode(path), reason) for path, reason in self._skipped.items())
        return Restored(_decoded(self._written), _decoded(self._removed), skipped)

    def remove(self, change: objects.Change) -> None:
        """Remove a file, and the directories that it leaves empty."""
        place = self._tree.place(change.path)
        if place is None or change.old_mode == trees.SUBMODULE:
            return
        with suppress(FileNotFoundError, IsADirectoryError):
            os.unlink(place.name, dir_fd=place.directory)
            self._removed.append(change.path)
            self._remove_empty(change.path)

    def _remove_empty(self, path: bytes) -> None:
        self._tree.forget()
        while b"/" in path:
            path = path.rpartition(b"/")[0]
            place = self._tree.place(path)
            if place is None:
                return
            try:
                os.rmdir(place.name, dir_fd=place.directory)
            except OSError:
                return

    def fill(self, changes: Sequence[objects.Change]) -> list[objects.Change]:
        """Have git write what it takes as recorded; answers with what is left to `write`."""
        self._rules.hold()
        plain = [change for change in changes if self._is_file(change) and self._is_plain(change)]
        if len(plain) < WORTH_A_CHECKOUT:
            return list(changes)
        try:
            wanted = ((change.new_mode, change.new, change.path) for change in plain)
            checkout.write_new(self._repository, wanted)
        except GitError:  # one by one each path gets its own answer
            return list(changes)
        self._written += [change.path for change in plain]
        done = set(self._written)
        return [change for change in changes if change.path not in done]

    def _is_file(self, change: objects.Change) -> bool:
        is_regular = change.new_mode in (trees.REGULAR, trees.EXECUTABLE)
        return is_regular and names.refusal(change.path, symlink=False) is None

    def write(self, changes: Sequence[objects.Change]) -> None:
        """Write some files, symlinks or directories of submodules, at most `objects.MAX_AHEAD`."""
        self._rules.hold()
        wanted = [change for change in changes if self._is_wanted(change)]
        self._plain.ask_ahead([change.new for change in wanted if self._is_plain(change)])
        for change in wanted:
            place = self._tree.place(change.path)
            if place is None:
                self._skipped[change.path] = "its directory vanished meanwhile"
                continue
            try:
                self._put(place, change)
            except (IsADirectoryError, NotADirectoryError):
                self._skipped[change.path] = "a file and a directory want this name"

    def _is_plain(self, change: objects.Change) -> bool:
        is_link = change.new_mode == trees.LINK
        return is_link or b"\n" in change.path or self._rules.conversion(change.path) is Conversion.NONE

    def _is_wanted(self, change: objects.Change) -> bool:
        """Make room for a file or symlink; answers whether its content is to be written."""
        reason = names.refusal(change.path, symlink=change.new_mode == trees.LINK)
        place = None if reason else self._tree.place(change.path, create=True)
        if place is None:
            self._skipped[change.path] = reason or "a file or symlink stands where its directory belongs"
            return False
        if change.new_mode == trees.SUBMODULE:
            with suppress(FileExistsError):
                os.mkdir(place.name, dir_fd=place.directory)
            return False
        return self._is_free(place, change)

    def _is_free(self, place: Place, change: objects.Change) -> bool:
        """Whether the path is to be written: it may be right already, or a directory may be in the way."""
        seen = place.stat()
        if seen is None:
            return True
        if stat.S_ISDIR(seen.st_mode):
            return self._is_emptied(place, change.path)
        is_right = not self._trust and _mode(seen) == change.new_mode and self._has(place, change)
        return not is_right

    def _is_emptied(self, place: Place, path: bytes) -> bool:
        try:
            os.rmdir(place.name, dir_fd=place.directory)
        except OSError:
            self._skipped[path] = "a directory with files of its own is in the way"
            return False
        return True

    def _has(self, place: Place, change: objects.Change) -> bool:
        if self._rules.conversion(change.path) is not Conversion.NONE:
            return False
        return not differs(place, trees.Entry(change.new_mode, bytes.fromhex(change.new)))

    def _put(self, place: Place, change: objects.Change) -> None:
        temporary = Place(place.directory, f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}".encode())
        try:
            if change.new_mode == trees.LINK:
                os.symlink(self._content(change), temporary.name, dir_fd=temporary.directory)
            else:
                self._fill(temporary, change)
            os.rename(temporary.name, place.name, src_dir_fd=temporary.directory, dst_dir_fd=place.directory)
            self._written.append(change.path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary.name, dir_fd=temporary.directory)

    def _fill(self, temporary: Place, change: objects.Change) -> None:
        mode = 0o777 if change.new_mode == trees.EXECUTABLE else 0o666
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(temporary.name, flags, mode, dir_fd=temporary.directory)
        with os.fdopen(fd, "wb") as file:
            self._copy(change, file.write)

    def _copy(self, change: objects.Change, write: Callable[[bytes], object]) -> None:
        """Hand over the bytes as a checkout would have them; as recorded where git cannot convert them."""
        converted = self._converted(change)
        if converted is not None:
            write(converted)
        elif self._plain.copy(change.new, write) is None:
            raise _missing(change)

    def _converted(self, change: objects.Change) -> bytes | None:
        if self._is_plain(change):
            return None
        try:
            content = self._filtered.as_checked_out(change.new, os.fsdecode(change.path))
            if content is not None and lfs.is_pointer(content):
                self._skipped[change.path] = lfs.POINTER_ONLY
            return content
        except GitError as problem:
            self._skipped[change.path] = f"written as recorded: {problem.what}"
            return None

    def _content(self, change: objects.Change) -> bytes:
        content = self._plain.read(change.new)
        if content is None:
            raise _missing(change)
        return content


def _missing(change: objects.Change) -> GitError:
    return GitError(f"The content of {os.fsdecode(change.path)} is missing.", hint=OBJECT_LOST)


def _mode(seen: os.stat_result) -> bytes:
    if stat.S_ISLNK(seen.st_mode):
        return trees.LINK
    return trees.EXECUTABLE if seen.st_mode & stat.S_IXUSR else trees.REGULAR


def _decoded(paths: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(sorted(map(os.fsdecode, paths)))
