"""What the remote, the vault and this machine hold of a repository's sessions, and how two copies relate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from gitsession.errors import GitsessionError, StorageError
from gitsession.git import Repository, transfer
from gitsession.model import SessionName
from gitsession.replicas.base import Found
from gitsession.replicas.bundles import Increment, Listing
from gitsession.replicas.recovery import Flaw
from gitsession.replicas.remote import Remote
from gitsession.replicas.vault import Vault
from gitsession.resume.at_once import both
from gitsession.resume.lives import Local
from gitsession.resume.plan import Contains, Line
from gitsession.snapshot import state


class Source(Protocol):
    """A place that can be asked which sessions it holds."""

    @property
    def name(self) -> str:
        """`remote`, `vault` or `local`."""
        ...

    def find(self, *, details: bool = False) -> tuple[Found, ...]:
        """The sessions that it holds."""
        ...


@dataclass(frozen=True)
class Search:
    """What was found, and which place could not be asked, with its error.

    Args:
        found: The copies of sessions.
        failures: The error of each place that did not answer.
        listing: What the vault's folder held, where it was asked.
        vault: The vault, where it is still open.
    """

    found: tuple[Found, ...]
    failures: Mapping[str, GitsessionError]
    listing: Listing | None = None
    vault: Vault | None = None


def search(sources: Sequence[Source]) -> Search:
    """Ask every place; one that is down is noted and stops no other."""
    near, far = _apart(sources)
    there, beyond = both(lambda: _search(near), lambda: _search(far))
    return together((there, beyond))


def _search(sources: Sequence[Source]) -> Search:
    found: list[Found] = []
    failures: dict[str, GitsessionError] = {}
    listing = None
    for source in sources:
        try:
            if isinstance(source, Vault):
                listing = source.folder.listing()
                found.extend(source.find(details=True, listing=listing))
            else:
                found.extend(source.find(details=True))
        except GitsessionError as error:
            failures[source.name] = error
    return Search(tuple(found), failures, listing)


def _apart(sources: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    """Those on this machine or its storage, and those beyond the network: both are waited for at once."""
    far = [isinstance(source, Remote) for source in sources]
    pairs = list(zip(sources, far, strict=True))
    return [source for source, beyond in pairs if not beyond], [source for source, beyond in pairs if beyond]


def vault_among(sources: Sequence[Source]) -> Vault | None:
    """The vault, where it is one of these."""
    return next((source for source in sources if isinstance(source, Vault)), None)


def measured(seen: Search, sources: Sequence[Source]) -> Search:
    """The same with the bytes that each session takes in the vault, and when it was written."""
    vault = vault_among(sources)
    if vault is None or seen.listing is None:
        return seen
    with suppress(StorageError):
        there = _stats(vault, seen.listing.increments)
        found = tuple(_measured(one, there) if one.where == vault.name else one for one in seen.found)
        return replace(seen, found=found)
    return seen


def _stats(vault: Vault, increments: Sequence[Increment]) -> dict[Increment, tuple[int, float]]:
    found = vault.folder.mount.stats([f"{vault.folder.path}/{one.path}" for one in increments])
    return {one: seen for one, seen in zip(increments, found, strict=True) if seen is not None}


def _measured(found: Found, stats: Mapping[Increment, tuple[int, float]]) -> Found:
    own = {one: seen for one, seen in stats.items() if one.session == found.session}
    written = [at for one, (_, at) in own.items() if one.runtime == found.runtime]
    return replace(found, size=sum(size for size, _ in own.values()), at=max(written, default=None))


def glimpse(found: Found) -> Line:
    """What a listing tells of a copy, without having fetched it."""
    return Line(
        found.where,
        found.session,
        found.state,
        found.snapshot or "",
        found.number or 0,
        found.counter or 0,
        found.finished,
    )


def fetch(
    sources: Sequence[Source], seen: Search, session: SessionName, shadow: Repository
) -> tuple[list[Line], list[str]]:
    """Bring the copies of one session here and read them.

    Returns:
        One line per copy, and a note for the person about each that could not be had.
    """
    near, far = _apart(sources)
    there, beyond = both(
        lambda: _fetch(near, seen, session, shadow), lambda: _fetch(far, seen, session, shadow)
    )
    return [*there[0], *beyond[0]], [*there[1], *beyond[1]]


def _fetch(
    sources: Sequence[Source], seen: Search, session: SessionName, shadow: Repository
) -> tuple[list[Line], list[str]]:
    finished = {entry.where: entry.finished for entry in seen.found if entry.session == session}
    lines: list[Line] = []
    notes: list[str] = []
    for source in (source for source in sources if source.name in finished):
        try:
            for line in _copies(source, session, shadow, seen.listing):
                lines.append(replace(line, finished=finished[source.name]))
        except GitsessionError as error:
            notes.append(f"The copy of {session.name} in the {source.name} could not be read: {error.what}")
        if isinstance(source, Vault):
            notes += _passed_over(source, session)
    return lines, notes


def _passed_over(vault: Vault, session: SessionName) -> Iterator[str]:
    own = f"sessions/{session.login}/{session.name}/"
    for skipped in vault.skipped:
        if skipped.path.startswith(own):
            yield f"In the vault {skipped.path} was passed over: {skipped.reason}"


def _copies(
    source: Source, session: SessionName, shadow: Repository, listing: Listing | None
) -> Iterator[Line]:
    if isinstance(source, Local):
        found = (life.line(shadow) for life in source.lives if life.session == session)
        yield from (line for line in found if line is not None)
    elif isinstance(source, Remote):
        yield _read(source.name, session, source.fetch(session), shadow)
    elif isinstance(source, Vault):
        commit, listing = from_vault(source, session, listing)
        newest = _read(source.name, session, commit, shadow)
        yield newest
        yield from _written_on(source, session, shadow, newest, listing)


def from_vault(
    vault: Vault, session: SessionName, seen: Listing | None, flaw: Flaw = state.flaw
) -> tuple[str, Listing]:
    """The newest state, by what was listed a moment ago; where something has gone since, by another look."""
    if seen is not None:
        with suppress(StorageError):
            newest = vault.fetch(session, listing=seen, flaw=flaw)
            if vault.skipped == seen.skipped:
                return newest, seen
    listing = vault.folder.listing()
    return vault.fetch(session, listing=listing, flaw=flaw), listing


def _written_on(
    vault: Vault, session: SessionName, shadow: Repository, newest: Line, listing: Listing
) -> Iterator[Line]:
    """What other runtimes wrote that the newest copy does not hold, such as one that had lost the lead."""
    contains = containment(shadow)
    for runtime, snapshot in vault.tips(session, listing=listing).items():
        if snapshot is None or not contains(newest.snapshot, snapshot):
            own = vault.fetch(session, runtime=runtime, listing=listing, flaw=state.flaw)
            yield _read(vault.name, session, own, shadow)


def _read(where: str, session: SessionName, commit: str, shadow: Repository) -> Line:
    there = state.read(shadow, commit)
    return Line(where, session, commit, there.snapshot, there.number, there.lease.counter)


def containment(shadow: Repository) -> Contains:
    """Whether a snapshot is, or has behind it, another; what a rebuilt chain replaced counts."""

    def contains(newer: str, older: str) -> bool:
        replaced = () if newer == older else _replaced(shadow, newer)
        if newer == older or older in replaced:
            return True
        return any(transfer.is_ancestor(shadow, older, tip) for tip in (newer, *replaced))

    return contains


def _replaced(shadow: Repository, tip: str) -> tuple[str, ...]:
    form = "%(trailers:key=Gitsession-Replaces,valueonly,separator=%x20)"
    return tuple(shadow.text("log", "--first-parent", f"--format={form}", tip, "--").split())


def together(searches: Sequence[Search]) -> Search:
    """Several looks as one."""
    failures = {name: error for each in searches for name, error in each.failures.items()}
    listing = next((each.listing for each in searches if each.listing is not None), None)
    vault = next((each.vault for each in searches if each.vault is not None), None)
    return Search(tuple(found for each in searches for found in each.found), failures, listing, vault)
