"""Freeing a vault of finished sessions: marked by one runtime, removed by a later one.

A runtime that is starting now may have looked at the vault before a session was marked. By the time another
runtime removes it, whatever leans on it has written a bundle of its own, which a listing shows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gitsession.git.command import Repository
from gitsession.model import SessionName
from gitsession.replicas.bundles import Increment, Listing, Mark
from gitsession.replicas.recovery import Recovery, by_rank
from gitsession.replicas.sealing import workplace
from gitsession.replicas.vault import Vault

REMOVABLE = "removable"


@dataclass(frozen=True)
class Clearance:
    """What may go from one repository's folder in a vault.

    Args:
        vault: The vault, opened for no session.
        listing: What it held when it was looked at.
    """

    vault: Vault
    listing: Listing

    @classmethod
    def of(cls, vault: Vault) -> Clearance:
        """Look at a vault.

        Raises:
            StorageError: The storage does not answer.
        """
        return cls(vault, vault.folder.listing())

    def marked_by(self, session: SessionName) -> frozenset[str]:
        """The runtimes that marked a session as it is now; who writes on makes a mark void."""
        if session not in self.listing.sessions:
            return frozenset()
        state = self._newest(session)
        marks = (mark for mark in self.listing.marks if mark.kind == REMOVABLE and mark.session == session)
        return frozenset(mark.runtime for mark in marks if mark.state == state)

    def mark(self, session: SessionName, contents: Collection[str] = ()) -> None:
        """Mark a session, and condemn contents of `held/`, so that a later runtime removes it all.

        Raises:
            StorageError: The storage does not answer.
        """
        self.vault.held.condemn(sha256 for sha256 in contents if sha256 in self.listing.held)
        self.vault.mark(Mark(REMOVABLE, session, self.vault.runtime, self._newest(session)))

    def states(self, session: SessionName, into: Repository) -> tuple[str, ...] | None:
        """Every state of a session, with what it reaches; None where one of them cannot be read.

        Raises:
            StorageError: The storage does not answer.
        """
        increments = self.listing.of(session)
        with workplace(into) as place:
            recovery = Recovery(
                self.vault.folder.mount, self.vault.folder.path, into, place, self.listing.bases
            )
            whole = [recovery.newest(own) is not None for own in increments.values()]
        if recovery.skipped or not all(whole):
            return None
        return tuple(one.state for own in increments.values() for one in own)

    def is_condemned(self, contents: Collection[str]) -> bool:
        """Whether an earlier `mark` condemned all of these that are there."""
        return not any(sha256 in self.listing.held for sha256 in contents)

    def reprieve(self, contents: Collection[str]) -> None:
        """Give the condemned among these their names back: a session needs them by now.

        Raises:
            StorageError: The storage does not answer.
        """
        self.vault.held.reprieve(self.listing.condemned & set(contents))

    def remove(self, session: SessionName, contents: Collection[str]) -> None:
        """Remove what is a session's alone: these contents where they are condemned, its bundles, its marks.

        Raises:
            StorageError: The storage does not answer; what is left is removed by the next try.
        """
        own = self._increments(session)
        self.vault.held.remove(contents)
        folder = f"sessions/{session.login}/{session.name}"
        place = f"{self.vault.folder.path}/{folder}"
        there = [f"{folder}/{path}" for path in self.vault.folder.mount.walk(place)]
        bundles = [path for path in there if path in own]
        marks = [path for path in there if path not in own]
        self._remove([*bundles, *marks])

    def remove_history(self) -> None:
        """Remove the user's own history, where no session's bundle builds on it any more.

        Raises:
            StorageError: The storage does not answer.
        """
        now = self.vault.folder.listing()
        if not now.sessions:
            self._remove([base.path for base in now.bases])

    def _remove(self, paths: Collection[str]) -> None:
        self.vault.folder.mount.remove([f"{self.vault.folder.path}/{path}" for path in paths])

    def _increments(self, session: SessionName) -> frozenset[str]:
        return frozenset(one.path for own in self.listing.of(session).values() for one in own)

    def _newest(self, session: SessionName) -> str:
        increments: dict[str, tuple[Increment, ...]] = self.listing.of(session)
        runtime, _ = by_rank(increments, self.vault.folder.heads)[0]
        return increments[runtime][-1].state
