"""Which directories of the work tree are worth a watch: those that git does not ignore."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from gitsession.errors import GitError
from gitsession.git import ignore
from gitsession.snapshot.user import UserRepository


def join(directory: str, name: str) -> str:
    """A path below a directory, both relative to the work tree, whose root is the empty string."""
    return f"{directory}/{name}" if directory else name


class Pruning:
    """Which directories of the work tree are worth a watch.

    Args:
        user: The user's repository.
        left_out: Directories that are not watched whatever git says.
    """

    def __init__(self, user: UserRepository, left_out: Collection[Path]) -> None:
        self._user = user
        places = (path for path in left_out if path.is_relative_to(user.work_tree))
        self._left_out = frozenset(str(path.relative_to(user.work_tree)) for path in places)
        self._tracked: frozenset[str] | None = None

    def refresh(self) -> None:
        """Look anew at what is tracked."""
        with suppress(GitError):
            self._tracked = ignore.tracked_directories(self._user.repository)

    def wanted(self, directories: Iterable[str]) -> Iterator[str]:
        """Those that hold tracked files or that git does not ignore."""
        if self._tracked is None:
            self.refresh()
        tracked = self._tracked or frozenset({""})
        candidates = [path for path in directories if path not in self._left_out]
        unknown = [path for path in candidates if path not in tracked]
        ignored = self._ignored(unknown)
        return (path for path in candidates if path not in ignored)

    def now_ignored(self, watched: Iterable[str]) -> list[str]:
        """Those of the watched directories that git ignores by now."""
        candidates = list(watched)
        wanted = set(self.wanted(candidates))
        return [path for path in candidates if path not in wanted]

    def children(self, directories: Iterable[str]) -> list[str]:
        """All directories directly below these."""
        return [path for directory in list(directories) for path in (self.listing(directory) or ([], []))[0]]

    def listing(self, directory: str) -> tuple[list[str], list[str]] | None:
        """The directories and the other entries in one; None for a nested repository, which is not ours."""
        below: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(self._user.work_tree / directory) as entries:
                for entry in entries:
                    if entry.name == ".git":
                        if directory:
                            return None
                    elif entry.is_dir(follow_symlinks=False):
                        below.append(join(directory, entry.name))
                    else:
                        files.append(join(directory, entry.name))
        except OSError:
            pass  # it vanished, or cannot be read: the sweep says so
        return below, files

    def _ignored(self, directories: list[str]) -> frozenset[str]:
        try:
            return ignore.ignored(self._user.repository, directories)
        except GitError:
            return frozenset()  # one of them vanished or became a submodule: watching too much is harmless
