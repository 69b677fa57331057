"""From the paths that events named to the paths worth a look."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from gitsession.snapshot import nested
from gitsession.snapshot.rules import RULE_FILES, Rules
from gitsession.snapshot.sweep import Sweep
from gitsession.snapshot.trees import SUBMODULE, Trees

MANY_DIRECTORIES = 32


class Hints:
    """Judges paths that events named, against the newest snapshot.

    Args:
        root: The work tree.
        sweep: Lists what lies in a directory.
        rules: What git's rule files say.
        trees: The newest snapshot.

    Attributes:
        doubtful: An unknown path is ignored, but the user's index changed: it may be there by force.
    """

    def __init__(self, root: Path, sweep: Sweep, rules: Rules, trees: Trees) -> None:
        self._root = root
        self._prefix = os.fsencode(root) + b"/"
        self._sweep = sweep
        self._rules = rules
        self._trees = trees
        self.doubtful = False

    def worth_a_look(self, named: Collection[str]) -> set[bytes] | None:
        """The paths to look at; None where only a sweep over everything can tell."""
        paths = [path for path in (os.fsencode(path).rstrip(b"/") for path in named) if _is_theirs(path)]
        if any(path.rpartition(b"/")[2] in RULE_FILES for path in paths):
            return None
        chosen = {place for path in paths for place in self._covered(path)}
        directories = {path for path in chosen if self._is_plain_directory(path)}
        if len(directories) > MANY_DIRECTORIES:
            return None
        below = self._sweep.below(sorted(directories)) if directories else ()
        return (chosen - directories).union(below)

    def admits(self, path: bytes) -> bool:
        """Whether a path that no snapshot holds yet may come in: whether git does not ignore it."""
        if self._rules.is_ignored(path):
            self.doubtful = self.doubtful or self._sweep.index_changed()
            return False
        return True

    def _covered(self, path: bytes) -> Iterable[bytes]:
        """The path, and what stands in the newest snapshot where one of its directories would be."""
        if self._trees.entry(path) is not None:
            return (path,)
        covering = self._trees.covering(path)
        if covering is None:
            return (self._outermost_repository(path) or path,)
        place, entry = covering
        return (place,) if entry.mode == SUBMODULE else (place, path)

    def _outermost_repository(self, path: bytes) -> bytes | None:
        """The unknown nested repository that a path lies in; it is recorded as one."""
        end = path.find(b"/")
        while end >= 0:
            above = path[:end]
            if self._trees.entry(above) is None and self._is_repository(above):
                return above
            end = path.find(b"/", end + 1)
        return None

    def _is_repository(self, path: bytes) -> bool:
        return nested.repository_at(self._root / os.fsdecode(path)) is not None

    def _is_plain_directory(self, path: bytes) -> bool:
        try:
            seen = os.lstat(self._prefix + path)
        except OSError:
            return False
        return stat.S_ISDIR(seen.st_mode) and not self._is_repository(path)


def _is_theirs(path: bytes) -> bool:
    return bool(path) and not (b".git" in path and b".git" in path.split(b"/"))
