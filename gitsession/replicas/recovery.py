"""Getting a session back from a vault: what is whole is read, what is not is named."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gitsession.errors import FormatError, GitError, StorageError
from gitsession.git import bundle, refs
from gitsession.git.command import Repository
from gitsession.git.transfer import is_complete
from gitsession.model import SessionName, Skipped
from gitsession.replicas.base import Found
from gitsession.replicas.bundles import Base, Claim, Increment, Listing, claim
from gitsession.replicas.mount import Mount
from gitsession.replicas.peek import peek

BATCH = 32
READ_TIMEOUT = 120.0
SLOWEST = 250_000  # bytes a second: slower than that unpacks only what was made to be slow
RESTORED_BASE = "refs/gitsession-fetched/base"
Heads = Callable[[Sequence[str]], Sequence["bytes | None"]]
Flaw = Callable[[Repository, str], str]


def no_flaw(_repository: Repository, _state: str) -> str:
    """Take every state that has the outline of one."""
    return ""


@dataclass
class Recovery:
    """One restore into a repository.

    Args:
        mount: The vault's storage.
        folder: The repository's folder below it.
        repository: Where the objects go.
        place: A local folder for files on their way.
        bases: The bundles of the user's history that may be needed.
        flaw: Why a session cannot go on from a state that is here; empty where it can.
    """

    mount: Mount
    folder: str
    repository: Repository
    place: Path
    bases: Sequence[Base]
    flaw: Flaw = no_flaw
    skipped: list[Skipped] = field(default_factory=list)
    _tried: set[str] = field(default_factory=set)
    _below: dict[str, Sequence[str]] = field(default_factory=dict)

    def best(self, increments: Mapping[str, Sequence[Increment]], heads: Heads) -> str | None:
        """The newest complete state of a session, of whichever runtime; None where there is none."""
        found: tuple[str, Claim] | None = None
        for runtime, claimed in by_rank(increments, heads):
            if found is not None and found[1].rank >= claimed.rank:
                break
            other = self.newest(increments[runtime])
            if other is not None and (found is None or other[1].rank > found[1].rank):
                found = other
        return None if found is None else found[0]

    def newest(self, increments: Sequence[Increment]) -> tuple[str, Claim] | None:
        """Bring one runtime's increments here; the newest state of them that is complete, if any is."""
        claims: dict[str, Claim] = {}
        for first in range(0, len(increments), BATCH):
            claims |= self._read_batch(increments[first : first + BATCH])
        for increment in reversed(increments):
            if increment.state not in claims:
                continue
            reason = self._unfit(increment.state)
            if not reason:
                return increment.state, claims[increment.state]
            self.skipped.append(Skipped(increment.path, reason))
        return None

    def _unfit(self, state: str) -> str:
        """Why a state that was read is not taken; empty where it is."""
        if not _is_state(self.repository, state):
            return "what it ends at is no state of a session"
        if not is_complete(self.repository, state, beyond_refs=True):
            return "it names contents that are not there"
        return self.flaw(self.repository, state)

    def bring_bases(self, wanted: Sequence[str] = ()) -> bool:
        """Bring the user's history here: until these commits are, or all of it; whether they are."""
        exact = [base for base in self.bases if base.oid in wanted]
        waiting = deque([*exact, *(base for base in self.bases if base not in exact)])
        in_vain = 0
        while in_vain < len(waiting) and not (wanted and self._has(wanted)):
            base = waiting.popleft()
            if self._has(self._below.get(base.path, ())):
                self._bring(base)
            if base.path not in self._tried:  # it builds on another one, which may come later
                waiting.append(base)
                in_vain += 1
            else:
                in_vain = 0
        return self._has(wanted)

    def _bring(self, base: Base) -> None:
        """Bring one here; where it builds on what is not, that is noted, and it may be tried again."""
        if base.path in self._tried:
            return
        self._tried.add(base.path)
        target = self.place / f"{base.sha256}.bundle"
        (got,) = self.mount.get([(f"{self.folder}/{base.path}", target)])
        header = self._header(base.path, target) if self._is_whole(base.path, base.sha256, got) else None
        if header is not None and not self._has(header.prerequisites):
            self._below[base.path] = header.prerequisites
            self._tried.discard(base.path)
        elif header is not None and self._into_repository(base.path, target, checked=False):
            self._lean_on(base)
        target.unlink(missing_ok=True)

    def _lean_on(self, base: Base) -> None:
        if self._has([base.oid]):
            # no link of what it brought leads nowhere, so it is complete: others may lean on it
            refs.update(self.repository, {f"{RESTORED_BASE}/{base.oid}": base.oid})
        else:
            self.skipped.append(Skipped(base.path, "it does not hold the commit that it is named after"))

    def _read_batch(self, increments: Sequence[Increment]) -> dict[str, Claim]:
        # two may be one content: a runtime that was killed before it noted a shipment ships it once more
        targets = {one.path: self.place / f"{n}-{one.sha256}.bundle" for n, one in enumerate(increments)}
        got = self.mount.get([(f"{self.folder}/{path}", target) for path, target in targets.items()])
        claims: dict[str, Claim] = {}
        for increment, answer in zip(increments, got, strict=True):
            target = targets[increment.path]
            if self._is_whole(increment.path, increment.sha256, answer):
                found = self._read_increment(increment, target)
                if found is not None:
                    claims[increment.state] = found
            target.unlink(missing_ok=True)
        return claims

    def _read_increment(self, increment: Increment, target: Path) -> Claim | None:
        header = self._header(increment.path, target)
        if header is None:
            return None
        missing = [oid for oid in header.prerequisites if not self._has([oid])]
        if missing and not self.bring_bases(missing):
            self.skipped.append(Skipped(increment.path, "it builds on what is not there"))
            return None
        return claim(header) if self._into_repository(increment.path, target, checked=True) else None

    def _header(self, path: str, target: Path) -> bundle.Header | None:
        try:
            return bundle.read_header(target)
        except FormatError as damaged:
            self.skipped.append(Skipped(path, damaged.what))
            return None

    def _into_repository(self, path: str, target: Path, *, checked: bool) -> bool:
        try:
            limit = READ_TIMEOUT + target.stat().st_size / SLOWEST
            bundle.read(self.repository, target, checked=checked, timeout=limit)
        except (GitError, FormatError) as failed:
            self.skipped.append(Skipped(path, failed.what))
            return False
        return True

    def _is_whole(self, path: str, sha256: str, got: str | StorageError) -> bool:
        if isinstance(got, StorageError):
            self.skipped.append(Skipped(path, got.what))
        elif got != sha256:
            self.skipped.append(Skipped(path, "torn: its content does not match its name"))
        return got == sha256

    def _has(self, oids: Sequence[str]) -> bool:
        if not oids:
            return True
        stdin = "".join(f"{oid}\n" for oid in oids).encode()
        answer = self.repository.output("cat-file", "--batch-check", stdin=stdin)
        return b" missing\n" not in answer


def _is_state(repository: Repository, oid: str) -> bool:
    """Whether a commit has the outline of a state; whoever reads the whole of it checks the whole."""
    seen = peek(repository, oid)
    return None not in (seen.snapshot, seen.number, seen.counter)


def by_rank(increments: Mapping[str, Sequence[Increment]], heads: Heads) -> list[tuple[str, Claim]]:
    """Runtimes with what their newest bundle claims, highest rank first; the headers are read by `heads`.

    Where the newest of a runtime was torn before its header ended, the newest that can be read claims.
    """
    claims = _claims({runtime: own[-1:] for runtime, own in increments.items()}, heads)
    torn = {runtime: own[-BATCH:-1] for runtime, own in increments.items() if claims[runtime] == Claim()}
    if any(torn.values()):
        claims |= _claims(torn, heads)
    return sorted(claims.items(), key=lambda entry: (entry[1].rank, entry[0]), reverse=True)


def _claims(increments: Mapping[str, Sequence[Increment]], heads: Heads) -> dict[str, Claim]:
    """What the newest readable one of each runtime claims."""
    asked = [(runtime, one) for runtime, own in increments.items() for one in own]
    claims = dict.fromkeys(increments, Claim())
    for (runtime, _), content in zip(asked, heads([one.path for _, one in asked]), strict=True):
        with suppress(FormatError):
            claims[runtime] = claim(bundle.parse_header(content or b""))
    return claims


def newest_copy(listing: Listing, session: SessionName, heads: Heads | None, where: str) -> Found:
    """What a listing, and the headers where they are read, tell of a session."""
    increments = listing.of(session)
    runtime, seen = by_rank(increments, heads or (lambda paths: [None] * len(paths)))[0]
    state, finished = increments[runtime][-1].state, session in listing.finished
    rank = (seen.snapshot, seen.number, seen.counter)
    return Found(session, state, *rank, where, finished=finished, runtime=runtime)
