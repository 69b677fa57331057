"""A push as a server sees it while its objects are in quarantine and no ref has moved.

Imports nothing but the standard library and git: the hook process must start fast.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

NOTHING = "0" * 40
TIME_LIMIT = 60.0


@dataclass(frozen=True)
class Update:
    """One ref that a push wants to move."""

    old: str
    new: str
    ref: str

    @property
    def creates(self) -> bool:
        """Whether the ref was not there."""
        return self.old == NOTHING

    @property
    def deletes(self) -> bool:
        """Whether the ref goes."""
        return self.new == NOTHING

    @property
    def branch(self) -> str:
        """The name without `refs/heads/`."""
        return self.ref.removeprefix("refs/heads/")


@dataclass(frozen=True)
class Blob:
    """A file's content that a push brings, at the path and commit that bring it."""

    commit: str
    path: str
    oid: str
    size: int


@dataclass(frozen=True)
class Pusher:
    """Who pushes, as far as a refusal names them."""

    login: str = ""
    workflows: bool = True
    kind: str = "classic"


@dataclass(frozen=True)
class Push:
    """One push as the server sees it before any ref moved."""

    repository: Path
    full_name: str
    site: str
    pusher: Pusher
    updates: tuple[Update, ...]

    @cached_property
    def commits(self) -> dict[str, list[str]]:
        """For each pushed ref the commits that the repository did not have."""
        return {update.ref: self._new_commits(update) for update in self.updates if not update.deletes}

    @cached_property
    def brought(self) -> dict[str, list[Blob]]:
        """For each pushed ref the files that its new commits bring."""
        return {update.ref: self._blobs(update) for update in self.updates if not update.deletes}

    def blobs(self, update: Update) -> list[Blob]:
        """The files that the new commits of one ref bring."""
        return self.brought.get(update.ref, [])

    def _blobs(self, update: Update) -> list[Blob]:
        if not self.commits[update.ref]:
            return []
        new = self.git("rev-list", "--objects", update.new, "--not", "--all").split("\n")
        sizes = self._sizes({line.split(" ")[0] for line in new if line})
        changes = self._changes(self.commits[update.ref])
        return [Blob(commit, path, oid, sizes[oid]) for commit, path, oid in changes if oid in sizes]

    def changed(self, update: Update) -> list[tuple[str, str]]:
        """The paths that the new commits of one ref change, each with its blob, `NOTHING` where it goes."""
        commits = self.commits.get(update.ref)
        return [(path, oid) for _, path, oid in self._changes(commits)] if commits else []

    def is_on_a_branch(self, path: str, oid: str) -> bool:
        """Whether some branch of the repository has this very file."""
        branches = self.git("for-each-ref", "--format=%(refname)", "refs/heads").split()
        return any(f" {oid}\t" in self.git("ls-tree", branch, "--", path) for branch in branches)

    def all_blobs(self) -> list[Blob]:
        """The files that the push brings, on any ref."""
        return [blob for update in self.updates for blob in self.blobs(update)]

    def people(self, update: Update) -> Iterator[tuple[str, str, str, str]]:
        """Commit, author's e-mail, committer's e-mail and message of each new commit."""
        for commit in self.commits.get(update.ref, []):
            shown = self.git("show", "-s", "--format=%ae%x00%ce%x00%B", commit)
            author, committer, message = shown.split("\0")
            yield commit, author, committer, message

    def is_forced(self, update: Update) -> bool:
        """Whether it drops commits of the ref."""
        if update.creates or update.deletes:
            return False
        return bool(self.git("rev-list", "--max-count=1", update.old, f"^{update.new}").strip())

    def git(self, *arguments: str, given: str = "") -> str:
        """Run git in the repository, with the quarantined objects in sight."""
        command = ["git", "-C", str(self.repository), *arguments]
        given_bytes = given.encode()
        done = subprocess.run(command, input=given_bytes, capture_output=True, check=True, timeout=TIME_LIMIT)
        return done.stdout.decode(errors="replace")

    def _new_commits(self, update: Update) -> list[str]:
        return self.git("rev-list", "--reverse", update.new, "--not", "--all").split()

    def _changes(self, commits: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        given = "".join(f"{commit}\n" for commit in commits)
        shown = self.git("diff-tree", "--stdin", "--root", "-r", "-m", "--no-renames", "-z", given=given)
        commit, fields = "", iter(shown.split("\0"))
        for entry in fields:
            if entry.startswith(":"):
                yield commit, next(fields), entry.split(" ")[3]
            elif entry.strip():
                commit = entry.split()[0]

    def _sizes(self, oids: set[str]) -> dict[str, int]:
        given = "".join(f"{oid}\n" for oid in oids)
        lines = self.git("cat-file", "--batch-check", given=given).splitlines()
        return {line.split()[0]: int(line.split()[2]) for line in lines if line.split()[1] == "blob"}
