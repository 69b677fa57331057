"""Making what is shipped: the newest snapshot, visible to git, with the state of the user's git on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from gitsession.agent.configuration import Configuration
from gitsession.agent.lane import Lane
from gitsession.agent.portions import Portions
from gitsession.agent.saving import Caught, Saver
from gitsession.errors import GitError, Refusal
from gitsession.git import blobs, history, lookup, refs
from gitsession.model import Held
from gitsession.replicas import own_commits
from gitsession.replicas.base import Shipment
from gitsession.replicas.guard import Finding, Guard
from gitsession.replicas.remote import Remote
from gitsession.replicas.spoken import redacted, unspeakable
from gitsession.snapshot import lfs, state
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.user import UserRepository
from gitsession.snapshot.values import Tip


@dataclass(frozen=True)
class LeftOut:
    """An object of the user's commits or index that may not leave.

    Args:
        path: Where it lies; empty for a commit whose own message is meant.
        reason: Why, for people.
        findings: The names by which the user can let it pass.
    """

    path: str
    reason: str
    findings: tuple[str, ...] = ()


class MayNotLeave(Exception):
    """The guard found something; the snapshots that no remote has must do without it."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(f"{finding.path}: {finding.reason}" for finding in findings))
        self.findings = tuple(findings)

    @property
    def caught(self) -> dict[str, Caught]:
        """What was found, by path."""
        by_path: dict[str, list[Finding]] = {}
        for finding in self.findings:
            by_path.setdefault(finding.path, []).append(finding)
        return {
            path: Caught(
                found[0].reason,
                frozenset(finding.oid for finding in found),
                tuple(dict.fromkeys(finding.allow_id for finding in found if finding.allow_id)),
            )
            for path, found in by_path.items()
        }


class TooMuch(Exception):
    """More than one push may carry; a part of it must wait."""


@dataclass
class Shipments:
    """Makes shipments, on the threads of the lanes.

    Args:
        configuration: The session.
        user: The user's repository.
        shadow: The shadow repository, open.
        guard: Looks at what goes to the remote.
        saver: Knows what is held.
        portions: Knows how much one push may carry.

    Attributes:
        left_out: What the last published state is without, each for people.
    """

    configuration: Configuration
    user: UserRepository
    shadow: Shadow
    guard: Guard
    saver: Saver
    portions: Portions

    def __post_init__(self) -> None:
        self._withheld: dict[str, LeftOut] = {}
        self._new: tuple[tuple[str, str], ...] = ()
        self._commits: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self.left_out: tuple[str, ...] = ()

    def withhold(self, found: Mapping[str, LeftOut]) -> None:
        """Leave these objects of the user's commits and index out of every published state from now on."""
        self._withheld = {**self._withheld, **found}

    def withheld(self, is_meant: Callable[[LeftOut], bool]) -> frozenset[str]:
        """The objects among those left out that are meant."""
        return frozenset(oid for oid, left in self._withheld.items() if is_meant(left))

    def release(self, oids: Collection[str]) -> None:
        """Let these objects into published states again."""
        self._withheld = {oid: left for oid, left in self._withheld.items() if oid not in oids}

    def refused(self, refusal: Refusal) -> dict[str, frozenset[str]]:
        """The blobs that the remote refused, by path, of what was last made ready for it.

        A path may have other versions that are clean: those in the commits that the remote named are meant,
        and of a large file the largest.
        """
        return {path: self._refused_at(path, refusal) for path in refusal.paths}

    def pointers(self) -> dict[str, frozenset[str]]:
        """The pointers of Git LFS, by path, in what was last made ready for the remote."""
        sizes = blobs.sizes(self.shadow.repository, [oid for oid, _ in self._new])
        small = [(oid, path) for oid, path in self._new if sizes.get(oid, lfs.MAX_POINTER) < lfs.MAX_POINTER]
        read = lookup.contents(self.shadow.repository, [oid for oid, _ in small])
        found: dict[str, frozenset[str]] = {}
        for (oid, path), content in zip(small, read, strict=True):
            if content is not None and lfs.is_pointer(content):
                found[path] = found.get(path, frozenset()) | {oid}
        return found

    def with_other_addresses(self, noreply: str) -> dict[str, LeftOut]:
        """The new commits of the user's own that name another e-mail address."""
        found = history.addresses(self.shadow.repository, self._commits)
        return {
            oid: LeftOut("", f"commit {oid[:10]}: its e-mail address is private")
            for oid, emails in found.items()
            if emails != {noreply}
        }

    def to_wait(self, *, refused: bool = False) -> dict[str, Caught]:
        """What of that must wait until another push, so that the rest is not too much for one.

        Args:
            refused: The remote has said so itself.
        """
        if refused:
            self.portions.refused(self._new)
        return self.portions.choose(self._new)

    def _refused_at(self, path: str, refusal: Refusal) -> frozenset[str]:
        there = frozenset(oid for oid, where in self._new if where == path)
        if refusal.kind == "secret":
            return self._in_commits(path, refusal.commits) or there
        if refusal.kind == "file-size" and there:
            sizes = blobs.sizes(self.shadow.repository, list(there))
            return frozenset([max(there, key=lambda oid: sizes.get(oid, 0))])
        return there

    def _in_commits(self, path: str, commits: Collection[str]) -> frozenset[str]:
        found = set()
        for commit in commits:
            with suppress(GitError):  # one that the remote made up, or that is gone here
                entry = lookup.tree_files(self.shadow.repository, commit, f":(literal){path}").get(path)
                found |= {entry[2]} if entry else set()
        return frozenset(found)

    def prepare(self, lane: Lane) -> Shipment:
        """The newest snapshot with its state.

        Raises:
            MayNotLeave: It is for the remote, and the guard found something.
            TooMuch: It is for the remote, and more than one push may carry.
            SaveError, GitError: It could not be made.
        """
        published = lane.name == "remote"
        captured, tip = self._checked(lane) if published else self._capture(lane, published=False)
        configuration = self.configuration
        return Shipment(
            tip.commit,
            tip.number,
            captured.oid,
            counter=configuration.counter,
            published=bool(configuration.published),
        )

    def _checked(self, lane: Lane) -> tuple[state.Captured, Tip]:
        """What may leave; commits whose own words may not are left out of the state."""
        captured, tip = self._capture(lane, published=True)
        known = self._known(lane)
        said = self._said(captured, known)
        if said:
            self.withhold(said)
            captured, tip = self._capture(lane, published=True)
        self._check(captured, tip, known)
        reasons = [left.reason for left in self._withheld.values()] if captured.left_out else []
        self.left_out = tuple(dict.fromkeys((*captured.left_out, *reasons)))
        return captured, tip

    def _said(self, captured: state.Captured, known: Sequence[str]) -> dict[str, LeftOut]:
        """The new commits of the user's in whose own words the guard found something."""
        commits = history.new_commits(self.shadow.repository, captured.tips, known) if captured.tips else []
        self._commits = tuple(commits)
        found = own_commits.said(self.shadow.repository, self.guard, commits)
        return {
            each.oid: LeftOut("", f"commit {each.oid[:10]}: {each.reason}", (each.allow_id,))
            for each in found
        }

    def _capture(self, lane: Lane, *, published: bool) -> tuple[state.Captured, Tip]:
        with self._lock:
            return self._written(lane, published=published)

    def _written(self, lane: Lane, *, published: bool) -> tuple[state.Captured, Tip]:
        self.shadow.adopt_objects()
        self.shadow.settle()
        tip = self.shadow.newest()
        configuration = self.configuration
        told = published_by(lane) if published else configuration.published
        held, contents = self.saver.held, self.saver.contents
        secret: frozenset[str] = frozenset()
        if published:
            beside = [item.path for item in held] + [file.path for file in contents.kept()]
            named = unspeakable([*beside, *(file.path for file in contents.awaited)])
            secret = self.saver.secret | named
        captured = state.capture(
            self.user,
            self.shadow.repository,
            snapshot=tip.commit,
            previous=lane.acknowledged.state if lane.acknowledged else None,
            lease=state.Lease(configuration.runtime, configuration.counter, told),
            held=[_nameless(item) if item.path in secret else item for item in held],
            publish_branches=configuration.branches if published else "all",
            mtimes=self.saver.times,
            without=self._withheld if published else (),
            redact=redacted if published else None,
            keeping=contents.keeping(held, nameless=secret),
        )
        return captured, tip

    def _known(self, lane: Lane) -> list[str]:
        """Commits that the remote has."""
        known = refs.published(self.user.repository)
        if lane.acknowledged is not None:
            known += [lane.acknowledged.snapshot, lane.acknowledged.state]
        return known

    def _check(self, captured: state.Captured, tip: Tip, known: Sequence[str]) -> None:
        """Let the guard look at every blob that the remote does not have yet.

        What is staged may lie in the state alone, whose own small files were redacted when it was written.
        """
        repository = self.shadow.repository
        tips = (tip.commit, *captured.tips, *state.trees(repository, captured.oid))
        self._new = tuple(history.new_blobs(repository, tips, known))
        findings = self.guard.check(self._new)
        if findings:
            raise MayNotLeave(findings)
        if self.portions.is_too_much(self._new):
            raise TooMuch("The push is over GitHub's 2 GB; it goes in parts.")


def _nameless(held: Held) -> Held:
    """What may be told of a file with a secret in it, or in its name."""
    return replace(held, path=redacted(held.path), sha256="", finding="")


def published_by(lane: Lane) -> str:
    """What a shipment of this lane puts on the remote: `branch` with the state, or the `state` alone."""
    remote = lane.replica
    if not isinstance(remote, Remote):
        return ""
    return "branch" if remote.visible and remote.branch_refusal is None else "state"
