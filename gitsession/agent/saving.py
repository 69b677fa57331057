"""Taking snapshots with the files left out that must wait: too many changes, or not allowed to leave."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from gitsession.agent.contents import Contents
from gitsession.agent.heads import head
from gitsession.agent.large import Large
from gitsession.agent.marks import Marked
from gitsession.agent.permission import Permission
from gitsession.errors import GitError
from gitsession.git import objects
from gitsession.model import Held
from gitsession.replicas.spoken import redacted
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.state import reading
from gitsession.snapshot.take import Snapshots, Taken
from gitsession.snapshot.trees import EMPTY_TREE, Entry
from gitsession.snapshot.user import UserRepository
from gitsession.snapshot.values import Head

Signature = tuple[int, int, int]


@dataclass(frozen=True)
class Caught:
    """What of a path may not leave.

    Args:
        reason: Why, for people.
        oids: The blobs; none where the remote did not say which.
        findings: The names by which the user can let them pass.
    """

    reason: str
    oids: frozenset[str] = frozenset()
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Withheld:
    """A file whose content may not leave, as it was when that was found out."""

    caught: Caught
    signature: Signature | None


class Saver:
    """Takes the snapshots of one session, on the agent's main thread.

    Args:
        user: The user's repository.
        shadow: The shadow repository, open.
        snapshots: The session's snapshots.
        large: What is known of large files.
        contents: What is known of contents that only the vault keeps.
        permission: What the user lets pass.
    """

    def __init__(
        self,
        user: UserRepository,
        shadow: Shadow,
        snapshots: Snapshots,
        large: Large,
        contents: Contents,
        permission: Permission,
    ) -> None:
        self.shadow = shadow
        self.snapshots = snapshots
        self.large = large
        self.contents = contents
        self.permission = permission
        self._user = user
        self._withheld: dict[str, Withheld] = {}
        self._times: dict[str, int] = {}
        self._times_lock = threading.Lock()

    @property
    def held(self) -> tuple[Held, ...]:
        """What is held, each with the level that its newest content has; from any thread."""
        withheld = self._withheld.copy()
        named = (
            replace(item, finding=" ".join(withheld[item.path].caught.findings))
            if item.path in withheld
            else item
            for item in self.snapshots.held
        )
        return self.contents.levelled(named)

    @property
    def secret(self) -> frozenset[str]:
        """The paths that the guard or the remote refuses; not even a hash of their content is published."""
        return frozenset(self._withheld)

    @property
    def times(self) -> Mapping[str, int] | None:
        """Modification times in nanoseconds of what changed so far; None before the first change."""
        with self._times_lock:
            return dict(self._times) or None

    def recall_times(self, state: str) -> None:
        """Go on from the times that an acknowledged state holds, after a restart of this process.

        Raises:
            GitError, FormatError: It cannot be read.
        """
        known = reading.mtimes(self.shadow.repository, state)
        with self._times_lock:
            for directory, times in known.items():
                for name, ns in times.items():
                    self._times.setdefault(f"{directory}/{name}" if directory else name, ns)

    def save(
        self,
        marked: Marked,
        *,
        sweep: bool,
        urgent: bool,
        ran: str | None = None,
        subject: str | None = None,
    ) -> Taken | None:
        """Take one snapshot; None when nothing changed and no subject is given.

        Args:
            marked: What events named.
            sweep: Look at everything instead.
            urgent: A flush: files that change too often go along.
            ran: What ran before it, one line of JSON.
            subject: How the person names it.

        Raises:
            SaveError: The disk refuses it; the snapshots before stand.
            GitError: git failed.
        """
        waited = self.large.paths | frozenset(self._withheld)
        self._let_go_of_changed()
        churning = self.large.hold(marked.paths, urgent=urgent)
        waiting = {path: reason for path, reason in churning.items() if not self.permission.passes(path)}
        held = {**waiting, **self._reasons()}
        paths = None if sweep or marked.lost else marked.paths | waited
        if paths is not None and not paths:
            return None
        subject = None if subject is None else redacted(subject)
        taken = self.snapshots.take(paths, head=_told(head(self._user)), held=held, ran=ran, subject=subject)
        if taken is not None:
            self._note(path for path in taken.changed if path not in held)
        return taken

    def withhold(self, caught: Mapping[str, Caught], onto: str | None) -> Taken | None:
        """Take what was caught out of every snapshot that no remote has, and keep it out from now on.

        A path whose newest version is none of the caught ones loses only its earlier versions. None when all
        of it is out already, so that trying again would change nothing.

        Args:
            caught: What may not leave, by path.
            onto: The commit of the last snapshot that the remote acknowledged.

        Raises:
            SaveError: There is no snapshot to rebuild.
        """
        self.shadow.settle()
        newest = {path: entry.oid.hex() for path, entry in self._versions(self._tip(), caught).items()}
        guilty = [path for path, what in caught.items() if not what.oids or newest.get(path) in what.oids]
        known = [
            path for path in caught if path in self._withheld and self._withheld[path].caught == caught[path]
        ]
        if len(known) == len(caught):
            return None
        for path in guilty:
            signature = self._signature(path)
            self._withheld[path] = Withheld(
                caught[path], signature if self._is_there(path, caught[path]) else None
            )
        allowed = self._versions(onto, guilty) if onto is not None else {}
        return self.snapshots.rebuild(onto, {path: allowed.get(path) for path in guilty})

    def release(self, is_meant: Callable[[str, Caught], bool]) -> dict[str, Caught]:
        """No longer keep out what the user lets pass; answers with it, by path."""
        free = {path: held.caught for path, held in self._withheld.items() if is_meant(path, held.caught)}
        for path in free:
            del self._withheld[path]
        return free

    def _is_there(self, path: str, caught: Caught) -> bool:
        """Whether the file still has what was caught: it may have been written anew since the snapshot."""
        if not caught.oids:
            return True
        try:
            return not caught.oids.isdisjoint(objects.oids_of_files(self._user.repository, [path]))
        except GitError:
            return True

    def _tip(self) -> str:
        return self.shadow.newest().commit

    def _versions(self, commit: str, paths: Iterable[str]) -> dict[str, Entry]:
        """The entries of paths in a commit, where it has them."""
        asked = list(paths)
        if not asked:
            return {}
        found = objects.differences(self.shadow.repository, EMPTY_TREE.hex(), commit, asked)
        return {
            os.fsdecode(change.path): Entry(change.new_mode, bytes.fromhex(change.new)) for change in found
        }

    def _reasons(self) -> dict[str, str]:
        """Why paths stay as they are; a file that is gone does so only where its going is what was caught."""
        return {
            path: withheld.caught.reason
            for path, withheld in self._withheld.items()
            if withheld.signature is not None or not withheld.caught.oids
        }

    def _let_go_of_changed(self) -> None:
        """New content is looked at anew, as it may be allowed to leave."""
        for path, withheld in list(self._withheld.items()):
            if self._signature(path) != withheld.signature:
                del self._withheld[path]

    def _note(self, changed: Iterable[str]) -> None:
        paths = list(changed)
        self.large.note(paths)
        with self._times_lock:
            for path in paths:
                signature = self._signature(path)
                if signature is None:
                    self._times.pop(path, None)
                else:
                    self._times[path] = signature[1]

    def _signature(self, path: str) -> Signature | None:
        try:
            seen = os.lstat(self._user.work_tree / path)
        except OSError:
            return None
        return (seen.st_size, seen.st_mtime_ns, seen.st_ino)


def _told(where: Head) -> Head:
    """Where HEAD stands, as a snapshot's message may tell it."""
    return replace(where, ref=None) if where.ref and redacted(where.ref) != where.ref else where


def changed_since(shadow: Shadow, commit: str | None, until: str) -> tuple[str, ...]:
    """The paths in which a snapshot differs from an earlier one, all of its paths without one."""
    shadow.settle()
    base = commit or EMPTY_TREE.hex()
    try:
        return tuple(
            os.fsdecode(change.path) for change in objects.differences(shadow.repository, base, until)
        )
    except GitError:
        return ()
