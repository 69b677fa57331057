"""Keeping a copy of a session that went its own way: under a name of its own, in the places that last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from gitsession.errors import GitsessionError, LeaseLost
from gitsession.git import refs
from gitsession.model import SessionName
from gitsession.replicas.base import Shipment
from gitsession.replicas.lease import fork_name
from gitsession.replicas.remote import Remote
from gitsession.replicas.vault import Vault
from gitsession.resume.leaving import Leaving
from gitsession.resume.plan import Line
from gitsession.snapshot import state
from gitsession.snapshot.shadow import Shadow

TRIES = 5


@dataclass
class Beside:
    """Where copies are kept.

    Args:
        shadow: Holds them, as they were fetched.
        runtime: Who puts them there.
        remote: The remote; None where nothing is published.
        vault: The vault; None where there is none.
        taken: Names that no copy may get; grows.
        size_limit: Bytes above which a file may not leave for the remote.
        workflows: Whether `.github/workflows` may.
    """

    shadow: Shadow
    runtime: str
    remote: Remote | None
    vault: Vault | None
    taken: set[SessionName]
    size_limit: int
    workflows: bool = True
    failed: list[Line] = field(default_factory=list)

    def keep(self, other: Line, session: SessionName) -> str:
        """Keep a copy of a session under the next free fork of its name; answers with a note for the person.

        A copy that no place took is added to `failed`.
        """
        fork = self._next(session)
        kept: list[str] = []
        troubles: list[str] = []
        if self.remote is not None:
            try:
                fork = self._push(other, fork, self.remote)
                kept.append("remote")
            except GitsessionError as error:
                troubles.append(error.what)
        if self.vault is not None:
            try:
                replace(self.vault, session=fork).ship(self._shipment(other, fork, other.state))
                kept.append("vault")
            except GitsessionError as error:
                troubles.append(error.what)
        refs.update(self.shadow.repository, {fork.branch_ref: other.snapshot})
        if not kept:
            self.failed.append(other)
        return _said(other, fork, kept, troubles)

    def _next(self, session: SessionName) -> SessionName:
        fork = fork_name(session, self.taken)
        self.taken.add(fork)
        return fork

    def _push(self, other: Line, fork: SessionName, remote: Remote) -> SessionName:
        """Make the fork's refs, under a later name where one was made meanwhile."""
        leaving = Leaving(self.shadow, other, self.size_limit, self.workflows).published(self._lease)
        for _ in range(TRIES):
            try:
                replace(remote, session=fork).ship(self._shipment(other, fork, leaving))
                return fork
            except LeaseLost:
                fork = self._next(fork)
        raise LeaseLost(
            f"Every name up to {fork.name} is taken on the remote.",
            hint="Remove forks that you need no more with `gitsession prune`.",
        )

    @property
    def _lease(self) -> state.Lease:
        return state.Lease(self.runtime, 1)

    def _shipment(self, other: Line, fork: SessionName, whole: str) -> Shipment:
        """A copy under its new name.

        Args:
            other: The copy.
            fork: The name.
            whole: Its state; empty for snapshots of this machine that have none.
        """
        repository, snapshot = self.shadow.repository, other.snapshot
        if not whole:
            user = self.shadow.user
            whole = state.capture(user, repository, snapshot=snapshot, previous=None, lease=self._lease).oid
        number = (other.number, snapshot)
        commit = state.renew(repository, whole, self._lease, session=fork, snapshot=number)
        return Shipment(snapshot, other.number, commit, counter=1)


def _said(other: Line, fork: SessionName, kept: Sequence[str], troubles: Sequence[str]) -> str:
    whose = f"The {other.where}" if other.where != "local" else "An earlier life of it on this machine"
    what = f"{whose} held other work of this session (snapshot {other.number})"
    if not kept:
        return f"{what}. It could not be kept elsewhere and stays where it was: {'; '.join(troubles)}"
    where = " and the ".join(kept)
    more = f" Not everywhere: {'; '.join(troubles)}" if troubles else ""
    return f"{what}; it is kept as {fork.branch} in the {where}.{more}"


def not_kept_yet(
    others: Collection[Line], forks: Collection[Line], contains: Callable[[str, str], bool]
) -> list[Line]:
    """The copies that no fork of the session holds already, from an earlier time."""
    return [other for other in others if not any(contains(fork.snapshot, other.snapshot) for fork in forks)]
