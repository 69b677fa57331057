"""What the user asks git to do with their own repository: their hooks, their signing, their settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitsession.errors import GitError, RepositoryError
from gitsession.git.command import NETWORK_TIMEOUT, Repository


def own(git_dir: Path, work_tree: Path, variables: Mapping[str, str]) -> Repository:
    """The user's repository as their own shell would see it."""
    return Repository(git_dir, work_tree, variables=variables, as_user=True)


def commit_all(repository: Repository, message: str) -> str:
    """Add everything and commit it on the branch that is checked out; answers with the commit's id.

    Raises:
        RepositoryError: There is nothing to commit.
        GitError: A hook or git itself refused; nothing was committed.
    """
    repository.run("add", "--all", "--", ".")
    if repository.run("diff", "--cached", "--quiet", accept=(0, 1)).code == 0:
        raise RepositoryError(
            "Nothing to commit.",
            safe="Your work tree equals the last commit.",
            hint="Change or add a file first.",
        )
    repository.run("commit", "--quiet", "--message", message, timeout=NETWORK_TIMEOUT)
    return repository.text("rev-parse", "HEAD")


def push_branch(repository: Repository) -> None:
    """Push the branch that is checked out to the branch of the same name on `origin`, and follow it.

    Raises:
        GitError: The remote refused, or could not be reached; the commit stays on this machine.
    """
    branch = (
        repository.run("symbolic-ref", "--quiet", "--short", "HEAD", accept=(0, 1)).stdout.decode().strip()
    )
    if not branch:
        raise GitError(
            "HEAD is detached, so there is no branch to push.", hint="Switch to a branch and push again."
        )
    repository.run("push", "--quiet", "--set-upstream", "origin", "--", branch, timeout=NETWORK_TIMEOUT)
