"""Watches the work tree and the user's git directory, without what git ignores.

watchdog's `schedule` cannot leave directories out, so this works on its inotify layer, see inotify(7). Events
are hints: where they cannot be had, or are lost, sweeps find what changed.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gitsession.agent.marks import Marks
from gitsession.agent.pruning import Pruning, join
from gitsession.snapshot.user import UserRepository

if TYPE_CHECKING:
    from gitsession.agent.inotify import Event, Inotify

BUSY_EVENTS = 1_000  # in one read: then a short rest lets the kernel merge what repeats
REST = 0.02
GIT_NOISE = frozenset(
    {"FETCH_HEAD", "COMMIT_EDITMSG", "gc.pid", "objects", "logs", "hooks", "modules", "lfs"}
)
_LIMITS = {
    errno.ENOSPC: "the limit of watched folders is reached (fs.inotify.max_user_watches)",
    errno.EMFILE: "the limit of watchers is reached (fs.inotify.max_user_instances)",
    errno.ENOMEM: "the kernel has no memory left for watches",
}


class Watcher:
    """Marks what changes, from a thread of its own.

    Args:
        user: The user's repository.
        marks: Where changes are marked.
        left_out: Further directories that are not watched, such as a vault inside the work tree.
        report: Called with an error that ended the watching.
    """

    def __init__(
        self,
        user: UserRepository,
        marks: Marks,
        *,
        left_out: Collection[Path] = (),
        report: Callable[[Exception], None],
    ) -> None:
        self._marks = marks
        self._report = report
        self._user = user
        self._tree = Pruning(user, left_out)
        self._inotify: Inotify | None = None
        self._directories: dict[int, str] = {}
        self._watches: dict[str, int] = {}
        self._git: dict[int, Path] = {}
        self._lock = threading.Lock()
        self._stopped = False
        self._stale = False
        self.trouble = ""

    @property
    def watching(self) -> bool:
        """Whether every change is seen as it happens; if not, `trouble` says why."""
        return not self.trouble

    @property
    def watched(self) -> frozenset[str]:
        """The watched directories of the work tree, relative to it."""
        with self._lock:
            return frozenset(self._watches)

    def start(self) -> None:
        """Watch from now on; never fails: where watching is impossible, `watching` is false."""
        if sys.platform != "linux":
            self.trouble = "this system has no inotify"
            return
        from gitsession.agent.inotify import Inotify  # other systems do not have it

        try:
            self._inotify = Inotify()
        except OSError as error:
            self.trouble = _LIMITS.get(error.errno or 0, str(error))
            return
        with self._lock:
            self._watch_git()
            self._watch_tree([""], mark=False)
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped = True
        if self._inotify is not None:
            self._inotify.close()

    def reconsider(self) -> None:
        """Decide anew which directories are ignored, if rules or the index changed since the last time."""
        if self._inotify is None or self._stopped or not self._stale:
            return
        self._stale = False
        with self._lock:
            self._tree.refresh()
            for directory in self._tree.now_ignored(self._watches):
                self._forget(directory)
            missing = [path for path in self._tree.children(self._watches) if path not in self._watches]
            self._watch_tree(missing, mark=True)

    def _run(self) -> None:
        try:
            while self._inotify is not None and (events := self._inotify.read()):
                with self._lock:
                    self._handle(events)
                if len(events) > BUSY_EVENTS:
                    time.sleep(REST)
        except Exception as error:
            self.trouble = f"watching ended: {error}"
            self._marks.mark_lost()
            self._report(error)

    def _handle(self, events: Iterable[Event]) -> None:
        changed: dict[str, bool] = {}
        appeared: list[str] = []
        for event in events:
            if event.is_overflow:
                self._stale = True
                self._marks.mark_lost()
            elif event.is_end:
                self._ended(event.watch)
            elif event.watch in self._git:
                self._handle_git(event, self._git[event.watch])
            elif event.watch in self._directories:
                self._handle_tree(event, self._directories[event.watch], changed, appeared)
        if appeared:
            self._watch_tree(appeared, mark=True)
        self._marks.mark([path for path, writing in changed.items() if writing], writing=True)
        self._marks.mark([path for path, writing in changed.items() if not writing])

    def _ended(self, watch: int) -> None:
        """The kernel ended a watch, since its directory is gone."""
        directory = self._directories.pop(watch, None)
        if directory is not None and self._watches.get(directory) == watch:
            del self._watches[directory]
        self._git.pop(watch, None)

    def _handle_git(self, event: Event, place: Path) -> None:
        if event.name.endswith(".lock") or event.name in GIT_NOISE:
            return
        self._stale = self._stale or event.name in ("index", "exclude")
        if event.name == "exclude":
            self._marks.mark_lost()
        if event.is_directory and event.appeared and self._is_under_refs(place):
            self._watch_refs(place / event.name)
        self._marks.mark_git()

    def _handle_tree(
        self, event: Event, directory: str, changed: dict[str, bool], appeared: list[str]
    ) -> None:
        path = join(directory, event.name)
        if event.is_about_itself:
            if not directory:
                self._marks.mark_lost()
        elif event.name == ".git":
            return
        elif event.is_directory:
            if event.appeared:
                appeared.append(path)
            if event.left:
                self._forget(path)
            if not event.is_attribute:
                changed[path] = False
        else:
            changed[path] = event.is_writing
            if event.name == ".gitignore":
                self._stale = True
                self._marks.mark_lost()

    def _watch_tree(self, directories: Iterable[str], *, mark: bool) -> None:
        """Watch directories and all below; each is listed after it is watched, so that nothing is missed."""
        level = list(directories)
        while level:
            files: list[str] = []
            below: list[str] = []
            for directory in self._tree.wanted(level):
                if self._add(directory):
                    found = self._tree.listing(directory)
                    if found is None:
                        self._forget(directory)
                        continue
                    below += found[0]
                    files += found[1]
            if mark:
                self._marks.mark(files)
            level = below

    def _add(self, directory: str) -> bool:
        """Watch one more directory; False where that is impossible or was done before."""
        if directory in self._watches:
            return False
        wd = self._add_watch(self._user.work_tree / directory)
        if wd is None:
            return False
        self._directories[wd] = directory
        self._watches[directory] = wd
        return True

    def _add_watch(self, path: Path) -> int | None:
        if self._inotify is None:
            return None
        try:
            return self._inotify.add(os.fsencode(path))
        except OSError as error:
            if error.errno in _LIMITS:
                self.trouble = _LIMITS[error.errno]
            return None  # it vanished, or may not be read: the sweep says so

    def _forget(self, directory: str) -> None:
        """Watch a directory and all below no more; a moved one would send events under its old name."""
        below = f"{directory}/"
        gone = [path for path in self._watches if path == directory or path.startswith(below)]
        watches = [self._watches.pop(path) for path in gone]
        for wd in watches:
            self._directories.pop(wd, None)
            if self._inotify is not None:
                self._inotify.remove(wd)

    def _watch_git(self) -> None:
        for place in {self._user.git_dir, self._user.common_dir, self._user.common_dir / "info"}:
            self._watch_git_directory(place)
        for place in {self._user.git_dir / "refs", self._user.common_dir / "refs"}:
            self._watch_refs(place)

    def _watch_refs(self, place: Path) -> None:
        for directory, _, _ in os.walk(place):
            self._watch_git_directory(Path(directory))

    def _watch_git_directory(self, place: Path) -> None:
        if place in self._git.values():
            return
        wd = self._add_watch(place)
        if wd is not None:
            self._git[wd] = place

    def _is_under_refs(self, place: Path) -> bool:
        return any(place.is_relative_to(top / "refs") for top in (self._user.git_dir, self._user.common_dir))
