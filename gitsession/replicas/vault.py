"""The vault as a replica: write-once bundles in a durable folder, each proved by the hash in its name.

A runtime writes increments only in a folder of its own, and its first bundle there builds on nothing but the
user's own history. So no runtime depends on a file that another one may remove, and no lock is needed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from gitsession.address import Address
from gitsession.errors import SessionError, StorageError
from gitsession.git import refs
from gitsession.git.command import Repository
from gitsession.git.transfer import CLONE_TIMEOUT
from gitsession.model import Level, SessionName, Skipped
from gitsession.replicas.base import Acknowledgement, Found, Shipment
from gitsession.replicas.bundles import Listing, Mark
from gitsession.replicas.chain import Chain
from gitsession.replicas.folder import Folder
from gitsession.replicas.held import HeldFiles, is_uploaded
from gitsession.replicas.history import NEEDS_THE_REMOTE, History
from gitsession.replicas.ledger import Ledger
from gitsession.replicas.mount import STALL, Mount
from gitsession.replicas.peek import peek
from gitsession.replicas.recovery import Flaw, Recovery, by_rank, newest_copy, no_flaw
from gitsession.replicas.sealing import clear, workplace

FETCHED = "refs/gitsession-fetched/vault"


@dataclass
class Vault:
    """One repository's folder in a storage folder.

    Args:
        storage: The storage folder; it is made at the first write.
        address: Whose repository; it names the folder.
        runtime: This runtime's id; it names the folder that is written.
        repository: The shadow repository.
        session: What `ship` writes; `find` and `fetch` work without.
        mountpoint: Where the storage's file system must be mounted. By default it is found out at the first
            contact and remembered in the shadow repository; give it where an unmounted place looks like a
            folder that could be made.
        timeout: Seconds that git may take to write one bundle.
        stall: Seconds without progress after which the storage counts as stuck.

    Example:
        >>> vault = Vault(Path("/content/drive/MyDrive/gitsession"), address, "r1", shadow)  # doctest: +SKIP
        >>> vault.find()  # doctest: +SKIP
    """

    storage: Path
    address: Address
    runtime: str
    repository: Repository
    session: SessionName | None = None
    mountpoint: Path | None = None
    timeout: float = CLONE_TIMEOUT
    stall: float = STALL
    name: str = "vault"
    skipped: tuple[Skipped, ...] = field(default=(), init=False)
    _reached: Folder | None = field(default=None, init=False, repr=False)
    _chain: Chain | None = field(default=None, init=False, repr=False)
    _history: History | None = field(default=None, init=False, repr=False)
    _noted: Ledger | None = field(default=None, init=False, repr=False)
    _unproved: list[str] = field(default_factory=list, init=False, repr=False)

    def ship(self, shipment: Shipment) -> Acknowledgement:
        """Write what is new as one bundle and read it back; fold where there are many. Errors: see `Replica`.

        The level is `STORED`; `SAFE` where the mount proves that all was uploaded; `LOCAL` with the note
        `needs the remote` while the user's own history is not in the vault.
        """
        try:
            return self._ship(shipment)
        except StorageError:
            self._chain = None  # what the storage has is looked at anew once it answers
            raise

    def _ship(self, shipment: Shipment) -> Acknowledgement:
        known = self._ledger.read().get("state")
        chain, history = self._opened(shipment.snapshot, known)
        if known != shipment.state or not chain.live:
            counter = shipment.counter or peek(self.repository, shipment.state).counter or 0
            self._count(chain, chain.write(shipment, counter, known, history.prerequisites))
            self._ledger.note({"state": shipment.state})
            if chain.is_long:
                self._unproved.clear()
                self._count(chain, chain.fold(shipment, counter, history.prerequisites))
        whole = history.bring()
        self._ledger.note({"whole": history.start or shipment.state if whole else None})
        return Acknowledgement(
            shipment.snapshot, shipment.number, shipment.state, self._level(whole), history.note
        )

    def acknowledged(self) -> Acknowledgement | None:
        """The last acknowledgement, from the shadow repository; the storage is not touched."""
        known = self._ledger.read()
        seen = peek(self.repository, known["state"]) if "state" in known else None
        if seen is None or seen.snapshot is None:
            return None
        whole = "whole" in known
        note = "" if whole else NEEDS_THE_REMOTE
        return Acknowledgement(seen.snapshot, seen.number or 0, known["state"], self._level(whole), note)

    def confirm(self) -> Acknowledgement | None:
        """Ask the mount whether what was written has been uploaded since; then the level is `SAFE`.

        Raises:
            StorageError: The storage does not answer.
        """
        if self._unproved and self._chain is not None:
            identities = self.folder.mount.identities(self._unproved)
            pairs = zip(self._unproved, identities, strict=True)
            self._unproved = [path for path, identity in pairs if not is_uploaded(identity)]
        return self.acknowledged()

    def find(self, *, details: bool = False, listing: Listing | None = None) -> tuple[Found, ...]:
        """Every session of the repository in the vault, by one listing.

        Args:
            details: Read the head of each runtime's newest bundle too, to know snapshot, number and counter.
            listing: What was listed a moment ago; by default it is listed now.

        Raises:
            StorageError: The storage does not answer.
            FormatError: It was written by a newer gitsession.
        """
        listing = listing or self.folder.listing()
        heads = self.folder.heads if details else None
        return tuple(newest_copy(listing, session, heads, self.name) for session in listing.sessions)

    def tips(self, session: SessionName, *, listing: Listing | None = None) -> dict[str, str | None]:
        """Who wrote in the session, newest rank first: runtimes, with the snapshot of each one's last bundle.

        There are several where a runtime wrote on after it had lost the lead, and after every resume.

        Raises:
            StorageError: The storage does not answer.
        """
        ranked = by_rank((listing or self.folder.listing()).of(session), self.folder.heads)
        return {runtime: claim.snapshot for runtime, claim in ranked}

    def fetch(
        self,
        session: SessionName,
        *,
        into: Repository | None = None,
        runtime: str | None = None,
        listing: Listing | None = None,
        flaw: Flaw = no_flaw,
    ) -> str:
        """Bring a session's newest complete state here with all that it reaches, and answer with its id.

        What is torn, missing or foreign is left out; `skipped` names it with its reason.

        Args:
            session: Which.
            into: Where to; the shadow repository by default.
            runtime: Take only what this runtime wrote; by default whoever has the highest open-counter, then
                the newest snapshot.
            listing: As in `find`.
            flaw: Says of a state why it is none to go on from, and is left out too; empty where it is one.

        Raises:
            SessionError: The vault does not have the session.
            StorageError: The storage does not answer, or nothing of the session is complete without the
                user's history, which only the remote has: fetch that first.
        """
        if listing is None:
            listing = self.folder.listing()
        elif self.folder.mount.mountpoint is None:
            self.folder.reach()
        wrote = listing.of(session)
        increments = {name: own for name, own in wrote.items() if runtime in (None, name)}
        if not increments:
            raise SessionError(
                f"The session {session} is not in the vault.",
                hint="Check the storage with `gitsession doctor --storage PLACE`.",
            )
        target = into or self.repository
        with workplace(target) as place:
            recovery = Recovery(self.folder.mount, self.folder.path, target, place, listing.bases, flaw)
            best = recovery.best(increments, self.folder.heads)
        self.skipped = (*listing.skipped, *recovery.skipped)
        if best is None:
            raise self._nothing_complete(session)
        refs.update(target, {f"{FETCHED}/{session.login}/{session.name}": best})
        return best

    def finish(self) -> None:
        """Mark the session as finished, for `find`.

        Raises:
            StorageError: The storage does not answer.
        """
        session, state = self._own_session(), self._ledger.read().get("state")
        if state is None:
            raise SessionError(
                f"Nothing of {session} is in the vault.",
                hint="Check the storage with `gitsession doctor --storage PLACE`.",
            )
        self.mark(Mark("finished", session, self.runtime, state))

    def mark(self, mark: Mark) -> None:
        """Note something about a session, in this runtime's own folder.

        Raises:
            StorageError: The storage does not answer.
        """
        folder = f"{self.folder.path}/sessions/{mark.session.login}/{mark.session.name}/{self.runtime}"
        with workplace(self.repository) as place:
            empty = place / mark.kind
            empty.touch()
            self.folder.mount.put(empty, f"{folder}/{mark.name}", hashlib.sha256().hexdigest())

    def seen_from(self, repository: Repository) -> Vault:
        """The same for another repository: through the same helper, and what was read of it stays known."""
        other = replace(self, repository=repository)
        other._reached = self.folder.seen_from(repository.git_dir)
        return other

    def close(self) -> None:
        """Leave the storage, so that it can be unmounted; the next request comes back."""
        if self._reached is not None:
            self._reached.mount.close()

    @property
    def held(self) -> HeldFiles:
        """The contents that may not leave for the remote, and kept files."""
        return HeldFiles(self.folder.mount, self.folder.path)

    @property
    def folder(self) -> Folder:
        """The repository's folder below the storage."""
        if self._reached is None:
            mount = Mount(self.storage, self.mountpoint, self.stall)
            self._reached = Folder.at(mount, self.address.key, self.repository.git_dir)
        return self._reached

    @property
    def _ledger(self) -> Ledger:
        if self._noted is None:
            session = self._own_session()
            place = hashlib.sha256(f"{self.storage}\0{self.runtime}".encode()).hexdigest()[:12]
            self._noted = Ledger(self.repository, f"vault/{place}/{session.login}/{session.name}")
        return self._noted

    def _own_session(self) -> SessionName:
        if self.session is None:
            raise SessionError("This vault was opened to read, not for a session.", hint="Please report it.")
        return self.session

    def _opened(self, snapshot: str, known: str | None) -> tuple[Chain, History]:
        if self._chain is None or self._history is None:
            session = self._own_session()
            clear(self.repository)
            listing, mount = self.folder.listing(), self.folder.mount
            place = (self.repository, mount, self.folder.path)
            self._history = History(*place, snapshot, list(listing.bases), self.timeout)
            chain = Chain(*place, session, self.runtime, self.timeout)
            chain.load(known)
            self._unproved = [f"{self.folder.path}/{one.path}" for one in chain.live]
            self._chain = chain
        return self._chain, self._history

    def _count(self, chain: Chain, identity: str | None) -> None:
        if not is_uploaded(identity):
            self._unproved.append(f"{self.folder.path}/{chain.live[-1].path}")

    def _level(self, whole: bool) -> Level:
        if not whole:
            return Level.LOCAL
        return Level.STORED if self._unproved or self._chain is None else Level.SAFE

    def _nothing_complete(self, session: SessionName) -> StorageError:
        return StorageError(
            f"The vault's copy of {session} {NEEDS_THE_REMOTE}.",
            safe="Nothing was changed.",
            hint="Open it while the remote can be reached: the repository's own history comes from there.",
        )
