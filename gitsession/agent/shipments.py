"""Making what is shipped: the newest snapshot, visible to git, with the state of the user's git on it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from gitsession.agent.configuration import Configuration
from gitsession.agent.lane import Lane
from gitsession.agent.saving import Caught, Saver
from gitsession.errors import SaveError
from gitsession.git import history, refs
from gitsession.replicas.base import Shipment
from gitsession.replicas.guard import Finding, Guard
from gitsession.snapshot import state
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.user import UserRepository
from gitsession.snapshot.values import Tip


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


@dataclass
class Shipments:
    """Makes shipments, on the threads of the lanes.

    Args:
        configuration: The session.
        user: The user's repository.
        shadow: The shadow repository, open.
        guard: Looks at what goes to the remote.
        saver: Knows what is held.
    """

    configuration: Configuration
    user: UserRepository
    shadow: Shadow
    guard: Guard
    saver: Saver

    def __post_init__(self) -> None:
        self._withheld: frozenset[str] = frozenset()
        self._new: tuple[tuple[str, str], ...] = ()
        self._lock = threading.Lock()

    def withhold(self, oids: Collection[str]) -> None:
        """Leave these objects of the user's commits and index out of every published state from now on."""
        self._withheld |= frozenset(oids)

    def release(self, oids: Collection[str]) -> None:
        """Let these objects into published states again."""
        self._withheld -= frozenset(oids)

    def blobs_at(self, paths: Collection[str]) -> dict[str, frozenset[str]]:
        """The blobs of paths among what was last made ready for the remote and is not there yet."""
        return {path: frozenset(oid for oid, where in self._new if where == path) for path in paths}

    def prepare(self, lane: Lane) -> Shipment:
        """The newest snapshot with its state.

        Raises:
            MayNotLeave: It is for the remote, and the guard found something.
            SaveError, GitError: It could not be made.
        """
        published = lane.name == "remote"
        with self._lock:
            captured, tip = self._capture(lane, published=published)
        if published:
            self._check(lane, (tip.commit, *captured.tips))
        return Shipment(tip.commit, tip.number, captured.oid, counter=self.configuration.counter)

    def _capture(self, lane: Lane, *, published: bool) -> tuple[state.Captured, Tip]:
        self.shadow.adopt_objects()
        self.shadow.settle()
        tip = self.shadow.tip()
        if tip is None:
            raise SaveError("There is no snapshot yet.")
        held, secret = self.saver.held, self.saver.secret if published else frozenset()
        captured = state.capture(
            self.user,
            self.shadow.repository,
            snapshot=tip.commit,
            previous=lane.acknowledged.state if lane.acknowledged else None,
            lease=state.Lease(self.configuration.runtime, self.configuration.counter),
            held=[replace(item, sha256="") if item.path in secret else item for item in held],
            publish_branches=self.configuration.branches if published else "all",
            mtimes=self.saver.times,
            without=self._withheld if published else (),
            keeping=self.saver.contents.keeping(held, nameless=secret),
        )
        return captured, tip

    def _check(self, lane: Lane, tips: Collection[str]) -> None:
        """Let the guard look at every blob that the remote does not have yet."""
        known = [ref.oid for ref in refs.listed(self.user.repository, "refs/remotes/").values()]
        if lane.acknowledged is not None:
            known.append(lane.acknowledged.snapshot)
            known.append(lane.acknowledged.state)
        self._new = tuple(history.new_blobs(self.shadow.repository, tips, known))
        findings = self.guard.check(self._new)
        if findings:
            raise MayNotLeave(findings)


def fork_of(name: str) -> str:
    """The next name for what continues apart from a session that somebody else leads now.

    Example:
        >>> fork_of("lesson"), fork_of("lesson-fork-1")
        ('lesson-fork-1', 'lesson-fork-2')
    """
    stem, dash, number = name.rpartition("-fork-")
    if dash and number.isdigit():
        return f"{stem}-fork-{int(number) + 1}"
    return f"{name}-fork-1"
