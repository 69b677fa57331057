"""What of a copy may leave for the remote: by the rules of ordinary shipping, past the same guard.

A copy from the vault is whole: it has all branches, and what never was allowed to leave. So its state is put
back into a repository that nobody works in, and captured there as if it were to be published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gitsession import files
from gitsession.errors import GitsessionError
from gitsession.git import history, lookup, plain, refs
from gitsession.replicas import own_commits
from gitsession.replicas.guard import Allowed, Finding, Guard
from gitsession.replicas.spoken import redacted, unspeakable
from gitsession.resume.plan import Line
from gitsession.snapshot import state
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.state import kept, reading
from gitsession.snapshot.user import UserRepository

ROUNDS = 3  # what the guard finds is left out; what stands in its place may have something too


@dataclass(frozen=True)
class Leaving:
    """A copy on its way to the remote.

    Args:
        shadow: Holds it.
        line: The copy.
        size_limit: Bytes above which a file may not leave.
        workflows: Whether `.github/workflows` may.
    """

    shadow: Shadow
    line: Line
    size_limit: int
    workflows: bool = True

    def published(self, lease: state.Lease) -> str:
        """The copy's state as it may be published; of what stays here, refs and paths are named in it.

        Raises:
            GitsessionError: Its snapshots hold something that may not leave, or it cannot be read.
        """
        if self.line.where == "remote":
            return self.line.state
        known, guard = self._known(), self._guard()
        findings = self._found(guard, [self.line.snapshot], known)
        if findings:
            raise _refused(findings)
        without: frozenset[str] = frozenset()
        with self._at_work() as user:
            for _ in range(ROUNDS):
                captured = self._capture(user, lease, without)
                trees = state.trees(self.shadow.repository, captured.oid)
                findings = self._found(guard, [*captured.tips, *trees], known)
                if not findings:
                    return captured.oid
                without |= {finding.oid for finding in findings}
        raise _refused(findings)

    def _found(self, guard: Guard, tips: Collection[str], known: Collection[str]) -> tuple[Finding, ...]:
        """What may not leave of what the remote does not have: of blobs, and of the commits' own words."""
        repository = self.shadow.repository
        commits = history.new_commits(repository, tips, known)
        found = guard.check(history.new_blobs(repository, tips, known))
        return found + own_commits.said(repository, guard, commits)

    def _known(self) -> list[str]:
        """Commits that the remote has."""
        fetched = refs.listed(self.shadow.repository, "refs/gitsession-fetched/remote/").values()
        return [*refs.published(self.shadow.user.repository), *(ref.oid for ref in fetched)]

    def _guard(self) -> Guard:
        """A guard that lets pass what the other session let pass."""
        keeping = self._keeping()
        allowed = Allowed.from_json({kind: list(items) for kind, items in keeping.allowed.items()})
        return Guard(self.shadow.repository, allowed, self.size_limit, self.workflows, keeping.salt)

    def _keeping(self) -> kept.Keeping:
        return kept.read(self.shadow.repository, self.line.state) if self.line.state else kept.Keeping()

    def _capture(self, user: UserRepository, lease: state.Lease, without: Collection[str]) -> state.Captured:
        """Without a hash of anything held: whose content is a secret, it could be guessed from it."""
        repository, line = self.shadow.repository, self.line
        held = state.read(repository, line.state).held if line.state else ()
        keeping = self._keeping()
        nameless = {item.path for item in held}.union(unspeakable(file.path for file in keeping.files))
        return state.capture(
            user,
            repository,
            snapshot=line.snapshot,
            previous=line.state or None,
            lease=lease,
            held=[replace(item, path=redacted(item.path), sha256="", finding="") for item in held],
            without=without,
            redact=redacted,
            keeping=replace(keeping, files=tuple(f for f in keeping.files if f.path not in nameless)),
        )

    @contextmanager
    def _at_work(self) -> Iterator[UserRepository]:
        """A repository with the copy's git state in it, and the shadow's objects; nothing is run there."""
        with TemporaryDirectory(prefix=files.TEMPORARY_PREFIX, dir=self.shadow.directory) as folder:
            place = Path(folder)
            plain("init", "--quiet", "--template=", "--", folder, cwd=place)
            user = UserRepository(place / ".git", place / ".git", place)
            alternates = user.objects / "info" / "alternates"
            alternates.parent.mkdir(exist_ok=True)
            alternates.write_text(f"{self.shadow.repository.git_dir / 'objects'}\n")
            self._fill(user)
            yield user

    def _fill(self, user: UserRepository) -> None:
        cloned = refs.listed(self.shadow.user.repository, "refs/remotes/")
        real: Mapping[str, str] = {name: ref.oid for name, ref in cloned.items() if not ref.target}
        refs.update(user.repository, real)
        if not self.line.state:
            refs.update(user.repository, {"HEAD": self.line.snapshot})
            return
        for tag in reading.tags(self.shadow.repository, self.line.state):
            lookup.write_tag(self.shadow.repository, tag)
        state.apply(self.line.state, self.shadow.repository, user, consent=lambda _: True)
        claimed = refs.listed(user.repository, "refs/remotes/")
        refs.update(user.repository, {}, {name: ref.oid for name, ref in claimed.items() if name not in real})


def _refused(findings: Collection[Finding]) -> GitsessionError:
    named = "; ".join(dict.fromkeys(f"{found.path} ({found.reason})" for found in findings))
    return GitsessionError(
        f"Something in it may not leave this machine: {named}.",
        hint="It stays in the vault; `gitsession allow PATH` lets it through.",
    )
