"""The remote as a replica: one atomic push with leases, believed only after its refs were read back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gitsession.address import Address
from gitsession.errors import LeaseLost, Refusal, RefusedError
from gitsession.git import transfer
from gitsession.git.command import NETWORK_TIMEOUT, Repository
from gitsession.git.transfer import Update
from gitsession.model import DONE_PREFIX, STATE_PREFIX, Level, SessionName
from gitsession.replicas.base import Acknowledgement, Found, Shipment
from gitsession.replicas.discovery import look_at, sessions_in
from gitsession.replicas.history import is_behind
from gitsession.replicas.ledger import Ledger
from gitsession.replicas.peek import Peek, peek
from gitsession.replicas.remote_refs import RemoteRefs
from gitsession.replicas.verdict import lease_lost, translated

BRANCH_RETRY = 600.0  # a rule may have been lifted
FETCHED = "refs/gitsession-fetched/remote"


@dataclass
class Remote:
    """One session's branch and state ref on the repository's server.

    Args:
        repository: The shadow repository.
        address: Where the remote is.
        session: Whose refs it moves.
        visible: Push the session branch too; False leaves it with the state ref alone.
        credentials: `GIT_CONFIG_*` variables that name the credential helper; no secret is in them.
        timeout: Seconds that one push may take.

    Example:
        >>> remote = Remote(shadow.repository, address, SessionName("ada", "lesson"))  # doctest: +SKIP
        >>> remote.ship(Shipment(snapshot, 1, state)).level  # doctest: +SKIP
        <Level.SAFE: 3>
    """

    repository: Repository
    address: Address
    session: SessionName
    visible: bool = True
    credentials: Mapping[str, str] = field(default_factory=dict)
    timeout: float = NETWORK_TIMEOUT
    name: str = "remote"
    branch_refusal: Refusal | None = field(default=None, init=False)
    _branch_refused: float = field(default=0.0, init=False, repr=False)

    def ship(self, shipment: Shipment) -> Acknowledgement:
        """Push branch and state together with their leases, then read them back.

        When the branch itself is what is refused, the state ref goes alone; `branch_refusal` and the
        acknowledgement's note say so, and the branch is tried again after ten minutes, or when somebody asks.
        Errors: see `Replica.ship`.
        """
        if not self._ledger.read():
            self._inherit(shipment)
        self._move_together(shipment.state, shipment.snapshot if self.visible else None)
        return Acknowledgement(shipment.snapshot, shipment.number, shipment.state, Level.SAFE, self._note())

    def _inherit(self, shipment: Shipment) -> None:
        """Go on from what lies there, where the shipment holds it and is of a later opening.

        So it is after a session was resumed from elsewhere while the remote did not answer.

        Raises:
            LeaseLost: Somebody deleted there what the remote had of the session.
        """
        listed = self.refs.listed(self.session.state_ref, self.session.branch_ref)
        left, branch = listed.get(self.session.state_ref), listed.get(self.session.branch_ref)
        if left is None:
            if shipment.published:
                raise lease_lost(self.session.state_ref, None)
            if is_behind(self.repository, branch, shipment.snapshot):
                self._ledger.note({"branch": branch})
            return
        seen = peek(self.repository, self.fetch(self.session))
        is_older = seen.snapshot is not None and (seen.counter or 0) < shipment.counter
        if not is_older or not self._stands_where_left(branch, seen, shipment.snapshot):
            return
        if transfer.is_ancestor(self.repository, seen.snapshot or "", shipment.snapshot):
            self._ledger.note({"state": left, "branch": branch})

    def confirm(self) -> tuple[SessionName, ...]:
        """Ask the remote whether its refs still are where this runtime left them; answers with its forks.

        Raises:
            LeaseLost: Somebody else moved or deleted one.
            AuthorisationError: The token may not read the repository.
            GitError: The remote does not answer.
        """
        known = self._settled()
        forks = f"{self.session.state_ref}-fork-*"
        listed = self.refs.listed(*self._names.values(), forks)
        for name, ref in self._names.items():
            if name in known and listed.get(ref) != known[name]:
                raise lease_lost(ref, listed.get(ref))
        found = [entry.session for entry in sessions_in(listed, {})]
        return tuple(session for session in found if session != self.session)

    def acknowledged(self) -> Acknowledgement | None:
        """The last acknowledgement, from the shadow repository; the network is not asked."""
        state = self._ledger.read().get("state")
        if state is None:
            return None
        seen = peek(self.repository, state)
        if seen.snapshot is None:
            return None
        return Acknowledgement(seen.snapshot, seen.number or 0, state, Level.SAFE, self._note())

    def find(self, *, details: bool = False) -> tuple[Found, ...]:
        """Every session on the remote, by one listing of its refs.

        Args:
            details: Fetch the state commits too (not what they hold), to know snapshot, number and counter.

        Raises:
            AuthorisationError: The token may not read the repository.
            GitError: The remote does not answer.
        """
        listed = self.refs.listed(f"{STATE_PREFIX}/*", f"{DONE_PREFIX}/*")
        if not details or not listed:
            return sessions_in(listed, {})
        with translated():
            facts = look_at(self.address.url, listed, variables=self.credentials, timeout=self.timeout)
        return sessions_in(listed, facts)

    def fetch(
        self, session: SessionName, *, into: Repository | None = None, haves: tuple[str, ...] = ()
    ) -> str:
        """Bring a session's state commit with all that it reaches here, and answer with its id.

        Args:
            session: Which; a finished one too.
            into: Where to; the shadow repository by default.
            haves: Commits that are there already without a ref of the repository's saying so.

        Raises:
            LeaseLost: The session is not on the remote.
            GitError: The remote does not answer, or sent malformed objects.
        """
        listed = self.refs.listed(session.state_ref, session.done_ref)
        ref = next((ref for ref in (session.state_ref, session.done_ref) if ref in listed), None)
        if ref is None:
            raise LeaseLost(
                f"The session {session} is not on the remote.",
                ref=session.state_ref,
                hint="`gitsession list user/repo` names the sessions that are.",
            )
        target = f"{FETCHED}/{session.login}/{session.name}"
        theirs = self.refs if into is None else replace(self.refs, repository=into)
        return theirs.fetch(ref, target, haves=haves)

    def take_lease(self, old: str | None, new: str, *, onto: str | None = None) -> None:
        """Move the state ref from `old` to `new`, a state commit with the next open-counter, or not at all.

        Afterwards the runtime that led before is refused. The session branch moves along to the snapshot of
        `new`, so that the two never part. Where its branch is gone or elsewhere now, a person deleted or
        rewrote it; the state tells that from a session that never had one.

        Args:
            old: The state that was resumed; None for a session that must not exist yet.
            new: This runtime's first state commit.
            onto: The snapshot that this runtime goes on from, where it is newer than that of `new`.

        Raises:
            LeaseLost: The state ref or the branch is not where it was left; take a new name.
            RefusedError, AuthorisationError, GitError: See `Replica.ship`.
        """
        listed = self.refs.listed(self.session.state_ref, self.session.branch_ref)
        branch = listed.get(self.session.branch_ref)
        seen = Peek() if old is None else peek(self.repository, old)
        snapshot = peek(self.repository, new).snapshot
        if not self._stands_where_left(branch, seen, onto or snapshot):
            raise lease_lost(self.session.branch_ref, branch)
        self._ledger.note({"state": old, "branch": branch, "tried-state": None, "tried-branch": None})
        is_new = branch is None and old is None
        moves_branch = self.visible and (
            is_new or branch == snapshot or is_behind(self.repository, branch, snapshot)
        )
        self._move_together(new, snapshot if moves_branch else None)

    def _stands_where_left(self, branch: str | None, seen: Peek, onto: str | None) -> bool:
        """Whether nobody but this session's runtimes moved the branch.

        State and branch can part where the remote itself is killed between its two refs, as a repository on
        this machine's disk is: then the branch is at another snapshot that is behind the one to go on from.
        """
        if not self.visible or branch == seen.snapshot or _never_had(seen, branch):
            return True
        return is_behind(self.repository, branch, onto)

    def finish(self) -> None:
        """Move the session's state ref to its place among the finished ones.

        Raises:
            LeaseLost: Somebody else moved it.
            RefusedError, AuthorisationError, GitError: See `Replica.ship`.
        """
        state = self._ledger.read().get("state")
        updates = [Update(self.session.done_ref, state, None), Update(self.session.state_ref, None, state)]
        self.refs.move(updates)
        self._ledger.note({"state": None, "branch": None})

    def remove(self, refs: Mapping[str, str]) -> None:
        """Delete refs of the remote that still name what they named when the person was shown them.

        Raises:
            LeaseLost: One has moved since; none was deleted.
            RefusedError, AuthorisationError, GitError: See `Replica.ship`.
        """
        self.refs.move([Update(ref, None, oid) for ref, oid in refs.items()])

    @property
    def _ledger(self) -> Ledger:
        place = hashlib.sha256(self.address.url.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        return Ledger(self.repository, f"remote/{place}/{self.session.login}/{self.session.name}")

    def _note(self) -> str:
        return f"state ref only: {self.branch_refusal.detail}" if self.branch_refusal is not None else ""

    @property
    def refs(self) -> RemoteRefs:
        """What the remote serves."""
        return RemoteRefs(self.repository, self.address.url, self.credentials, self.timeout)

    @property
    def _names(self) -> dict[str, str]:
        return {"state": self.session.state_ref, "branch": self.session.branch_ref}

    def _move_together(self, state: str, branch: str | None) -> None:
        """Move state and branch; where the branch itself is refused, the state alone."""
        if branch is None or not self._may_try_branch():
            self._move({"state": state})
            return
        try:
            self._move({"state": state, "branch": branch})
            self.branch_refusal = None
        except RefusedError as refused:
            if not refused.refusal.branch:
                raise
            self._move({"state": state})
            self.branch_refusal, self._branch_refused = refused.refusal, time.monotonic()

    def _may_try_branch(self) -> bool:
        is_over = time.monotonic() - self._branch_refused >= BRANCH_RETRY
        return self.branch_refusal is None or is_over

    def try_branch_again(self) -> None:
        """Let the next shipment try the branch although it was refused: somebody waits."""
        self._branch_refused = -BRANCH_RETRY

    def _move(self, wanted: Mapping[str, str]) -> None:
        """Make the remote's refs name `wanted` and note that they do.

        What is tried is noted before: when the reply is lost together with this process, the next one knows
        its own push again.
        """
        known = self._settled()
        if all(known.get(name) == oid for name, oid in wanted.items()):
            return
        self._ledger.note({f"tried-{name}": oid for name, oid in wanted.items()})
        self.refs.move([Update(self._names[name], oid, known.get(name)) for name, oid in wanted.items()])
        self._ledger.note({**wanted, **{f"tried-{name}": None for name in wanted}})

    def _settled(self) -> dict[str, str]:
        """Where the refs were left, after asking the remote about a push whose reply was lost."""
        known = self._ledger.read()
        tried = {name: known[f"tried-{name}"] for name in self._names if f"tried-{name}" in known}
        if not tried:
            return known
        listed = self.refs.listed(*self._names.values())
        arrived = {name: oid for name, oid in tried.items() if listed.get(self._names[name]) == oid}
        self._ledger.note({**arrived, **{f"tried-{name}": None for name in tried}})
        return {**known, **arrived}


def _never_had(seen: Peek, branch: str | None) -> bool:
    """Whether a session has no branch on the remote because it never had one, as where a rule refuses it."""
    return branch is None and seen.published == "state"
