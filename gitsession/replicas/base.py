"""What every replica takes and answers: a shipment in, an acknowledgement of a checked level out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gitsession.model import Level, SessionName


@dataclass(frozen=True)
class Shipment:
    """The newest of a session, complete and visible to git in the shadow repository.

    Args:
        snapshot: The snapshot's commit.
        number: Its number in the session.
        state: The state commit, whose first parent is the snapshot.
        extra: Further objects that the state names without reaching them (the vault ships them too).
        counter: The session's open-counter in the lease that the state records.
        published: The remote is known to have had the session; where it is gone there, it was deleted.
    """

    snapshot: str
    number: int
    state: str
    extra: tuple[str, ...] = ()
    counter: int = 0
    published: bool = False


@dataclass(frozen=True)
class Acknowledgement:
    """What a replica holds for certain: it was read back.

    Args:
        snapshot: The newest snapshot that it holds.
        number: That snapshot's number.
        state: The newest state commit that it holds.
        level: `STORED` or `SAFE`; `LOCAL` when it lies there but needs another place to be restored.
        note: What the person should know, such as `needs the remote` or `branch refused, state ref only`.
    """

    snapshot: str
    number: int
    state: str
    level: Level
    note: str = ""


class Replica(Protocol):
    """A place where snapshots are shipped, driven by a thread of its own."""

    @property
    def name(self) -> str:
        """`remote` or `vault`, as `status` shows it."""
        ...

    def ship(self, shipment: Shipment) -> Acknowledgement:
        """Make the place hold the shipment, read it back, and say how strongly; bounded in time.

        Shipping what is acknowledged already costs nothing and answers with the same.

        Raises:
            LeaseLost: The session's refs were moved or deleted by someone else; nothing was overwritten.
            RefusedError: The place refused it; its `refusal` says why.
            AuthorisationError: The token is missing, wrong, or may not write.
            StorageError: The storage is unmounted, stalled, full or failing.
            GitTimeout: git outlived its time limit.
            GitError: git failed in another way, such as by a lost network.
        """
        ...

    def acknowledged(self) -> Acknowledgement | None:
        """The last acknowledgement, also of an earlier process of this runtime; None when there is none."""
        ...


@dataclass(frozen=True)
class Found:
    """A session that a replica holds.

    Args:
        session: Its owner and name.
        state: The newest state commit there.
        snapshot: That state's snapshot; None while it was not looked at.
        number: The snapshot's number; None while it was not looked at.
        counter: The open-counter of its lease; None while it was not looked at.
        where: `remote`, or `vault`.
        finished: It was ended by `finish`.
        runtime: Who leads it, as far as the place knows; whether that one still runs, no place can tell.
        at: When that one saved last by its clock, in seconds since 1970; None where the place cannot tell.
        size: Bytes that it takes there; None where the place cannot tell.
        branch: The branch of the user's that was checked out; None while it was not looked at.
    """

    session: SessionName
    state: str
    snapshot: str | None = None
    number: int | None = None
    counter: int | None = None
    where: str = ""
    finished: bool = False
    runtime: str | None = None
    at: float | None = None
    size: int | None = None
    branch: str | None = None
