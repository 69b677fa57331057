"""The user's own history in a vault: the bundles that every session's increments build on."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from gitsession.errors import GitError, StorageError
from gitsession.git.command import Repository
from gitsession.git.partial import is_partial, is_to_be_completed
from gitsession.git.transfer import is_ancestor, is_complete
from gitsession.replicas.bundles import Base, base_name
from gitsession.replicas.mount import Mount
from gitsession.replicas.sealing import seal, workplace

RETRY = 300.0
NEEDS_THE_REMOTE = "needs the remote"


@dataclass
class History:
    """Brings the history that a session starts from into the vault, once, and knows whether it is there.

    Args:
        repository: The shadow repository.
        mount: The vault's storage.
        folder: The repository's folder below it.
        snapshot: A snapshot of the session.
        bases: What the vault has.
        timeout: Seconds that git may take to write it.
    """

    repository: Repository
    mount: Mount
    folder: str
    snapshot: str
    bases: list[Base]
    timeout: float
    note: str = ""
    _proved: set[str] = field(default_factory=set, init=False)
    _next_try: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.start = first_outside(self.repository, self.snapshot)

    @property
    def prerequisites(self) -> tuple[str, ...]:
        """What a self-contained increment may leave out."""
        return () if self.start is None else (self.start,)

    def bring(self) -> bool:
        """Whether the history lies complete in the vault, after trying to make it so.

        A failure is no error here, since increments go on; it is noted, and tried again after a while.
        """
        if self.start is None or self.start in self._proved:
            return True
        if is_to_be_completed(self.repository):
            self.note = NEEDS_THE_REMOTE
            return False
        if time.monotonic() < self._next_try:
            return False
        try:
            self.note = "" if self._prove() or self._write(self.start) else NEEDS_THE_REMOTE
        except (StorageError, GitError) as failed:
            self.note = f"{NEEDS_THE_REMOTE}: {failed.what}"
        self._next_try = time.monotonic() + RETRY
        return self.start in self._proved

    def _prove(self) -> bool:
        """Read what the vault has and reaches the start, with what it builds on; a listing proves nothing."""
        for base in [base for base in self.bases if self._covers(base)]:
            if self.mount.sha256s([f"{self.folder}/{base.path}"]) == (base.sha256,):
                self._proved.add(self.start or "")
                return True
            self.bases.remove(base)
        return False

    def _covers(self, base: Base) -> bool:
        return self.start is not None and (
            base.oid == self.start or is_ancestor(self.repository, self.start, base.oid)
        )

    def _write(self, start: str) -> bool:
        if not self._is_here(start):
            return False
        with workplace(self.repository) as place:
            refs = {"HEAD": start, f"refs/gitsession-base/{start}": start}
            sealed = seal(self.repository, place, refs, without=(), timeout=self.timeout)
            path = f"base/{base_name(start, sealed.sha256)}"
            self.mount.put(sealed.path, f"{self.folder}/{path}", sealed.sha256)
        self.bases.append(Base(path, start, sealed.sha256))
        self._proved.add(start)
        return True

    def _is_here(self, start: str) -> bool:
        """Whether the history is complete here: never in a shallow clone, in a partial one in the end."""
        if (self.repository.git_dir / "shallow").exists():
            return False
        return not is_partial(self.repository) or is_complete(self.repository, start)


def first_outside(repository: Repository, snapshot: str) -> str | None:
    """The commit that a session started from, behind its snapshots; None where there was none."""
    found = repository.text(
        "log",
        "--first-parent",
        "--max-count=1",
        "--invert-grep",
        "--grep=^Gitsession-Snapshot: ",
        "--no-show-signature",
        "--format=%H",
        snapshot,
        "--",
    )
    return found or None


def is_behind(repository: Repository, branch: str | None, snapshot: str | None) -> bool:
    """Whether a branch is at a snapshot of the session that another one has behind it."""
    if branch is None or snapshot is None:
        return False
    start = first_outside(repository, snapshot)
    is_snapshot = start is None or not is_ancestor(repository, branch, start)
    return is_snapshot and is_ancestor(repository, branch, snapshot)
