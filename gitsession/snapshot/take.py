"""Taking snapshots: from changed paths, or a sweep, to one durable commit."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from gitsession.errors import OBJECT_LOST, GitError
from gitsession.git import objects
from gitsession.model import Held, Identity, SessionName, Skipped
from gitsession.snapshot import encode, nested, trailers, trees
from gitsession.snapshot.capture import Capture, Means
from gitsession.snapshot.hashing import differs
from gitsession.snapshot.hints import Hints
from gitsession.snapshot.journal import Body
from gitsession.snapshot.left_out import LeftOut
from gitsession.snapshot.mirror import is_true
from gitsession.snapshot.rules import Rules
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.sweep import Sweep
from gitsession.snapshot.trailers import SnapshotMessage
from gitsession.snapshot.trees import Entry, Trees
from gitsession.snapshot.user import UserRepository
from gitsession.snapshot.values import Head, Limits, Taken, Tip
from gitsession.snapshot.worktree import WorkTree

__all__ = ["Head", "Limits", "Snapshots", "Taken"]

DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class _Asked:
    """What a caller of `take` wants the snapshot to say."""

    head: Head
    held: Mapping[str, str]
    ran: str | None
    subject: str | None


class Snapshots:
    """Takes the snapshots of one session.

    Args:
        shadow: The shadow repository, open.
        user: The user's repository.
        session: The session that the snapshots belong to.
        runtime: The id of this runtime.
        identity: The author.
        limits: What is too large.
        remote: The remote whose branches the first snapshot builds on.

    Attributes:
        identity: The author of the next snapshot.
        skipped: The paths that no snapshot holds, or not surely whole, as far as the last looks saw.
        held: The paths whose newest content is left out.
        at_risk: The paths that git itself leaves out although their content differs.
    """

    def __init__(
        self,
        shadow: Shadow,
        user: UserRepository,
        *,
        session: SessionName,
        runtime: str,
        identity: Identity,
        limits: Limits = DEFAULT_LIMITS,
        remote: str = "origin",
    ) -> None:
        self._shadow = shadow
        self._user = user
        self._session = session
        self._runtime = runtime
        self.identity = identity
        self._limits = limits
        self._remote = remote
        self._sweep = Sweep(shadow)
        self._rules: Rules | None = None
        self._trees: Trees | None = None
        self._left_out = LeftOut()
        self.at_risk: tuple[str, ...] = ()

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The paths that no snapshot holds, or not surely whole, as far as the last looks saw."""
        return tuple(self._left_out.skipped.values())

    @property
    def held(self) -> tuple[Held, ...]:
        """The paths whose newest content is left out."""
        return tuple(self._left_out.held.values())

    def close(self) -> None:
        """End the processes that answer questions about paths; they start again when needed."""
        if self._rules is not None:
            self._rules.close()
        self._rules = None

    def take(
        self,
        paths: Collection[str] | None,
        *,
        head: Head,
        held: Mapping[str, str] | None = None,
        ran: str | None = None,
        subject: str | None = None,
    ) -> Taken | None:
        """Take a snapshot; None when nothing changed and nobody named it. It is *local* when this returns.

        Args:
            paths: What may have changed, relative to the work tree; None for a sweep over everything.
            head: Where the user's HEAD stands.
            held: Paths whose new content stays out, with reasons; the snapshot keeps their last version.
            ran: The command or cell before it, one line of JSON.
            subject: The commit's first line instead of one made from the changed paths.

        Raises:
            SaveError: The disk is full or failing; the snapshots before stand.
            GitError: Git failed, such as on a damaged repository.
        """
        asked = _Asked(head, held or {}, ran, subject)
        with self._shadow.lock:
            seen = None if paths is None else self._look_at(paths, self._current(head), asked.held)
            if seen is not None:
                return self._taken(seen, asked)
        self._shadow.settle()  # for the git of a sweep; to wait for it with the lock held would deadlock
        with self._shadow.lock:
            return self._taken(self._look_everywhere(self._current(head), asked.held), asked)

    def _taken(self, seen: Capture, asked: _Asked) -> Taken | None:
        tip = self._shadow.tip()
        if not seen.changes and tip is not None and asked.subject is None:
            return None
        told = SnapshotMessage(
            self._session,
            tip.number + 1 if tip else 1,
            self._runtime,
            asked.head,
            held=len(self._left_out.held),
            ran=asked.ran,
            subject=trailers.summary(list(map(os.fsdecode, seen.changes)), asked.subject),
        )
        parent = tip.commit if tip else self._base(asked.head)
        return self._record(told, parent, seen.changes, seen.body)

    def rebuild(self, onto: str | None, without: Mapping[str, Entry | None]) -> Taken:
        """Stand in for everything since `onto` by one snapshot without what may not leave.

        Args:
            onto: The commit of the last acknowledged snapshot, None when there is none.
            without: Offending paths, each with the version that may leave, or None.

        Raises:
            SaveError: There is no snapshot to rebuild.
        """
        with self._shadow.lock:
            tip = self._shadow.newest()
            before = trailers.parse(encode.message_of(self._shadow.read(bytes.fromhex(tip.commit))))
            self._current(before.head)
            changes = {os.fsencode(path): entry for path, entry in without.items()}
            told = SnapshotMessage(
                self._session,
                tip.number + 1,
                self._runtime,
                before.head,
                held=len(set(self._left_out.held) | set(changes)),
                replaces=tip.commit,
                subject=before.subject,
            )
            return self._record(told, onto or self._base(before.head), changes, self._shadow.body())

    def _current(self, head: Head) -> Trees:
        """The trees of the newest snapshot, or of HEAD before the first."""
        tip = self._shadow.tip()
        wanted = tip.tree if tip else self._tree_of_head(head)
        if self._trees is None or self._trees.root.oid.hex() != wanted:
            oid = bytes.fromhex(wanted)
            content = b"" if oid == trees.EMPTY_TREE else self._shadow.read(oid)
            self._trees = Trees(trees.parse(oid, content), self._shadow.read_tree)
        return self._trees

    def _tree_of_head(self, head: Head) -> str:
        if head.commit is None:
            return trees.EMPTY_TREE.hex()
        self._shadow.adopt_objects()
        tree = objects.tree_of(self._shadow.repository, head.commit)
        if tree is None:
            raise GitError(f"HEAD's commit {head.commit} is missing.", hint=OBJECT_LOST)
        return tree

    def _base(self, head: Head) -> str | None:
        """The first snapshot's parent: the newest ancestor of HEAD that the remote holds."""
        if head.commit is None:
            return None
        return objects.newest_published(self._user.repository, head.commit, self._remote)

    def _look_at(self, paths: Collection[str], current: Trees, held: Mapping[str, str]) -> Capture | None:
        """Look at what events hinted at; None where hints do not suffice and a sweep must look."""
        if not self._sweep.is_current():
            return None
        hints = Hints(self._user.work_tree, self._sweep, self._answers(), current)
        chosen = hints.worth_a_look(paths)
        if chosen is None:
            return None
        seen = Capture(self._means(held), current, self._shadow.body(), hints.admits)
        seen.look(chosen)
        if hints.doubtful:
            return None
        self._left_out.note(seen, chosen)
        return seen

    def _look_everywhere(self, current: Trees, held: Mapping[str, str]) -> Capture:
        found = self._sweep.everything(current.root.oid.hex())
        self.close()
        rules, listed = self._answers(), {path.rstrip(b"/") for path in found.look}

        def admits(path: bytes) -> bool:
            return path in listed or not rules.is_ignored(path)

        seen = Capture(self._means(held), current, self._shadow.body(), admits)
        seen.look({*found.look, *self._left_out.worth_a_look(found, self._user.work_tree, rules)})
        for path in found.drop - seen.looked:
            seen.set(path, None)
        for path, entry in found.fixed.items():
            seen.set(path, entry)
        self._sweep.note(seen.confirmed())
        self._left_out.note(seen, None)
        self._shadow.gather_trees(current.root.oid)
        self.at_risk = tuple(sorted(map(os.fsdecode, self._endangered())))
        return seen

    def _means(self, held: Mapping[str, str]) -> Means:
        settings = self._shadow.settings
        return Means(
            root=self._user.work_tree,
            seed=self._sweep.seed,
            rules=self._answers(),
            limits=self._limits,
            held={os.fsencode(path): reason for path, reason in held.items()},
            frozen=self._sweep.frozen,
            trust_mode=is_true(settings.get("core.filemode", "true")),
            symlinks=is_true(settings.get("core.symlinks", "true")),
        )

    def _answers(self) -> Rules:
        """What the rule files say, for one pass."""
        if self._rules is None:
            self._rules = Rules(self._sweep.seed, self._shadow.settings)
        self._rules.hold()
        return self._rules

    def _endangered(self) -> Iterator[bytes]:
        """Flagged files that differ from their entries, and submodules with work of their own."""
        with WorkTree(self._user.work_tree) as tree:
            for path, entry in self._sweep.frozen.items():
                place = tree.place(path)
                if place is not None and differs(place, entry):
                    yield path
        for path in self._sweep.submodules:
            inner = nested.repository_at(self._user.work_tree / os.fsdecode(path))
            if inner is not None and nested.has_own_work(inner):
                yield path

    def _record(
        self, told: SnapshotMessage, parent: str | None, changes: Mapping[bytes, Entry | None], body: Body
    ) -> Taken:
        """Write the touched trees and the commit, all durable at once."""
        assert self._trees is not None
        root = self._trees.edited(changes, lambda content: body.add(b"tree", content))
        content = encode.commit(
            tree=root.oid, parent=parent, author=self.identity, message=trailers.message(told)
        )
        commit = body.add(b"commit", content).hex()
        self._shadow.append(Tip(told.number, commit, root.oid.hex()), body)
        self._trees = Trees(root, self._shadow.read_tree)
        self._sweep.note(changes)
        return Taken(
            told.number,
            commit,
            root.oid.hex(),
            parent,
            changed=tuple(sorted(map(os.fsdecode, changes))),
            skipped=self.skipped,
            held=self.held,
            at_risk=self.at_risk,
        )
