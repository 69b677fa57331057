"""The refs of a git server: read, fetched, and moved together or not at all, believed once read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitsession.errors import GitError, GitTimeout
from gitsession.git import transfer
from gitsession.git.command import NETWORK_TIMEOUT, Repository
from gitsession.git.transfer import Pushed, Update
from gitsession.replicas.verdict import arrived, moved_elsewhere, push_failed, translated

LISTING_TIMEOUT = 60.0


@dataclass(frozen=True)
class RemoteRefs:
    """What one address serves.

    Args:
        repository: Whose objects are pushed, and where those fetched go.
        url: The address.
        variables: `GIT_CONFIG_*` variables that name the credential helper; no secret is in them.
        timeout: Seconds that one push or fetch may take.
    """

    repository: Repository
    url: str
    variables: Mapping[str, str]
    timeout: float = NETWORK_TIMEOUT

    def listed(self, *patterns: str) -> dict[str, str]:
        """What refs name; `patterns` are full refs or globs, and refs that are not there are left out.

        Raises:
            AuthorisationError: The token may not read the repository.
            GitError: The remote does not answer.
        """
        limit = min(self.timeout, LISTING_TIMEOUT)
        with translated():
            listed = transfer.ls_remote(
                self.repository, self.url, *patterns, variables=self.variables, timeout=limit
            )
        return {ref: oid for ref, oid in listed.items() if ref.startswith("refs/")}

    def fetch(self, ref: str, target: str, *, haves: Sequence[str] = ()) -> str:
        """Bring a ref with all that it reaches here as `target`; answers with what it names.

        Args:
            ref: The remote's.
            target: The ref of ours that is made to name it.
            haves: Commits that are there already without a ref of the repository's saying so.

        Raises:
            AuthorisationError: The token may not read the repository.
            GitError: The remote does not answer, or sent malformed objects.
        """
        with translated():
            transfer.fetch(
                self.repository,
                self.url,
                [f"+{ref}:{target}"],
                checked=True,
                haves=haves,
                variables=self.variables,
                timeout=self.timeout,
            )
        return self.repository.text("rev-parse", "--verify", target)

    def move(self, updates: Sequence[Update]) -> None:
        """Move refs, all or none, each only from where it was left.

        Raises:
            LeaseLost: Somebody else moved or deleted one.
            RefusedError, AuthorisationError, GitError: See `Replica.ship`.
        """
        pushed = self._push(updates)
        listed = self._read_back(updates, pushed)
        if arrived(updates, listed):
            return
        raise moved_elsewhere(updates, listed) or push_failed(pushed)

    def _push(self, updates: Sequence[Update]) -> Pushed:
        try:
            return transfer.push(
                self.repository, self.url, updates, variables=self.variables, timeout=self.timeout
            )
        except GitTimeout as late:
            return Pushed(-1, (), late.what)

    def _read_back(self, updates: Sequence[Update], pushed: Pushed) -> dict[str, str]:
        try:
            return self.listed(*(update.ref for update in updates))
        except GitError:
            if pushed.code == 0:
                raise
            raise push_failed(pushed) from None
