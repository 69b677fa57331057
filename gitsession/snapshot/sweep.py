"""Sweeps: git finds which paths differ, for events are only hints.

A private index in the shadow repository starts as a copy of the user's, so that force-added files, flags and
conflicts count, and is kept in step with our snapshots, so that the next sweep costs little more than the
stat calls. It is a cache: anything doubtful makes it start over.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from gitsession import git
from gitsession.errors import GitError
from gitsession.git import index, staging
from gitsession.snapshot import rules
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.trees import SUBMODULE, Entry
from gitsession.snapshot.user import UserRepository

NOWHERE = "0" * 40


@dataclass(frozen=True)
class Found:
    """What a sweep found.

    Args:
        look: The paths whose files decide what the next snapshot holds.
        drop: The paths that the next snapshot holds no more although a file may lie there: ignored now.
        fixed: The entries that stay as the user's index has them, whatever the files are.
        directories: The directories with known files, where all was looked at anew; else None.
    """

    look: Sequence[bytes] = ()
    drop: frozenset[bytes] = frozenset()
    fixed: Mapping[bytes, Entry] = field(default_factory=dict)
    directories: Collection[bytes] | None = None


class Sweep:
    """Finds what differs in the user's work tree, through the shadow repository's private index."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._user = shadow.user
        self._pending: dict[bytes, Entry | None] = {}
        self._seeded_from: tuple[rules.Stamp, ...] | None = None
        self._general_files = _general_files(self._user, shadow.settings)
        self._general: tuple[rules.Stamp, ...] | None = None
        self.frozen: dict[bytes, Entry] = {}
        self.submodules: set[bytes] = set()

    @property
    def seed(self) -> git.Repository:
        """The shadow repository with the user's work tree, and a copy of their index that nobody changes."""
        return replace(
            self._shadow.repository,
            work_tree=self._user.work_tree,
            index=self._shadow.directory / "sweep/seed",
        )

    @property
    def _index(self) -> git.Repository:
        return replace(self.seed, index=self._shadow.directory / "sweep/index")

    def note(self, changes: Mapping[bytes, Entry | None]) -> None:
        """Keep the private index in step with a snapshot's changes, at the next sweep."""
        self._pending.update(changes)

    def is_current(self) -> bool:
        """Whether the rules outside the work tree are as they were when the index was seeded."""
        return self._seeded_from is not None and self._general == self._stamp_general()

    def index_changed(self) -> bool:
        """Whether the user's index is another one than the one this started from."""
        return self._seeded_from != self._stamp_index()

    def everything(self, tree: str, *, deep: bool = False) -> Found:
        """Look at the whole work tree.

        Args:
            tree: The tree of the newest snapshot, or what the first is compared to.
            deep: Trust no stat data: after rules changed that bear on the bytes recorded.
        """
        if not deep and self.is_current() and self._seeded_from == self._stamp_index():
            with suppress(GitError):
                return self._continued(tree)
        return self._started_over(tree, deep=deep or (self._general not in (None, self._stamp_general())))

    def below(self, paths: Sequence[bytes]) -> list[bytes]:
        """What differs at or below a few paths."""
        self._catch_up()
        return index.worth_a_look(self._index, paths)

    def _continued(self, tree: str) -> Found:
        self._catch_up()
        found = index.worth_a_look(self._index)
        if any(path.rpartition(b"/")[2] in rules.RULE_FILES for path in found):
            return self._started_over(tree, deep=True)
        return Found(found)

    def _started_over(self, tree: str, *, deep: bool) -> Found:
        self._shadow.mirror()
        self._general_files = _general_files(self._user, self._shadow.settings)
        self._shadow.adopt_objects()
        self._general, self._seeded_from = self._stamp_general(), self._stamp_index()
        self._copy_index(deep)
        self._pending.clear()
        conflicts = self._note_special()
        found = dict.fromkeys([*conflicts, *index.worth_a_look(self._index)])
        changes = index.against(self._index, tree)
        gone = {change.path for change in changes if change.new_mode == b"000000"}
        fixed = {change.path: self.frozen[change.path] for change in changes if change.path in self.frozen}
        look = [*found, *(change.path for change in changes if change.path not in gone | set(found))]
        return Found(
            [path for path in look if path not in self.frozen],
            frozenset(gone - set(found)),
            fixed,
            index.directories(self._index) if self._index.index and self._index.index.exists() else (),
        )

    def _copy_index(self, deep: bool) -> None:
        """Copy the user's index with its time, by which git knows what changed in the same instant."""
        for target in (self.seed.index, self._index.index):
            if target is None or not _copied(self._user.index, target):
                continue
            if self._is_split_or_sparse():
                staging.make_self_contained(replace(self.seed, index=target), self._user.git_dir)
            if deep:
                os.utime(target, (1, 1))  # older than every file: git trusts no stat data

    def _is_split_or_sparse(self) -> bool:
        split = next(self._user.git_dir.glob("sharedindex.*"), None) is not None
        return split or "core.sparsecheckout" in self._shadow.settings

    def _note_special(self) -> list[bytes]:
        """Note flagged entries and submodules; the paths in conflict come back."""
        entries = index.special(self._index) if self._index.index and self._index.index.exists() else []
        self.frozen = {
            one.path: Entry(one.mode, bytes.fromhex(one.oid))
            for one in entries
            if one.frozen and not one.stage
        }
        self.submodules = {one.path for one in entries if one.mode == SUBMODULE}
        return sorted({one.path for one in entries if one.stage})

    def _catch_up(self) -> None:
        if not self._pending:
            return
        index.put(self._index, map(_line, self._pending.items()))
        index.refresh(self._index)
        self._pending.clear()

    def _stamp_index(self) -> tuple[rules.Stamp, ...]:
        return rules.stamps([self._user.index])

    def _stamp_general(self) -> tuple[rules.Stamp, ...]:
        return rules.stamps(self._general_files)


def _general_files(user: UserRepository, settings: Mapping[str, str]) -> tuple[bytes, ...]:
    """Every file outside the work tree that bears on what git records."""
    own = (user.common_dir / "config", user.git_dir / "config.worktree")
    general = (Path.home() / ".gitconfig", rules.configuration_folder() / "config", Path("/etc/gitconfig"))
    return tuple(map(os.fsencode, (*rules.general_files(user, settings), *own, *general)))


def _line(change: tuple[bytes, Entry | None]) -> tuple[bytes, bytes, str]:
    path, entry = change
    return (path, entry.mode, entry.oid.hex()) if entry else (path, b"0", NOWHERE)


def _copied(source: Path, target: Path) -> bool:
    """Copy a file with its times; where there is none, remove the copy and answer False."""
    try:
        shutil.copy2(source, target)
    except FileNotFoundError:
        target.unlink(missing_ok=True)
        return False
    return True
