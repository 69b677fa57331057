"""What a state is gathered from, and what it is made of while it is put together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from gitsession import git
from gitsession.snapshot.state.objects import Batch, TreeEntry
from gitsession.snapshot.user import UserRepository


@dataclass
class Parts:
    """What a state is made of while it is put together."""

    batch: Batch
    files: dict[str, TreeEntry] = field(default_factory=dict)
    tips: dict[str, None] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def write(self, name: str, content: bytes) -> None:
        """Put a small file in."""
        self.files[name] = self.batch.blob(content)


@dataclass(frozen=True)
class Source:
    """Where a state is gathered from, and what of it may go in."""

    user: UserRepository
    into: git.Repository
    publish: str
    known_tags: Mapping[str, str]
    without: frozenset[str]
    redact: Callable[[str], str] = str

    def may_say(self, text: str) -> bool:
        """Whether a text has no secret in it."""
        return self.redact(text) == text

    def redacted(self, content: bytes) -> bytes:
        """The content of a text file without its secrets."""
        return self.redact(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def may_leave(self, commit: str, known: Collection[str]) -> bool:
        """Whether nothing that a commit adds to what the remote is known to have is to stay here."""
        if not self.without:
            return True
        stdin = "".join(f"{line}\n" for line in (commit, *(f"^{oid}" for oid in known))).encode()
        listed = self.into.output("rev-list", "--objects", "--stdin", stdin=stdin).decode("utf-8", "replace")
        return self.without.isdisjoint(line.partition(" ")[0] for line in listed.splitlines())
