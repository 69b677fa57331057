"""The user's repository, which we only ever read."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from gitsession import git
from gitsession.errors import GitError, RepositoryError


@dataclass(frozen=True)
class UserRepository:
    """Where the user's repository lies.

    Args:
        git_dir: What belongs to this work tree alone: HEAD, index, operations.
        common_dir: What all work trees share: objects, refs, config. Usually `git_dir` itself.
        work_tree: The directory the person edits.
    """

    git_dir: Path
    common_dir: Path
    work_tree: Path

    @property
    def repository(self) -> git.Repository:
        """A handle for reading it."""
        return git.Repository(self.git_dir, self.work_tree)

    @property
    def index(self) -> Path:
        """The index file of this work tree; it may be missing."""
        return self.git_dir / "index"

    @property
    def objects(self) -> Path:
        """The object store."""
        return self.common_dir / "objects"


def discover(path: Path) -> UserRepository:
    """Find the repository of the work tree that `path` lies in.

    Raises:
        RepositoryError: There is none, it is bare, or it uses an object format that we do not write.
    """
    if not path.is_dir():
        raise RepositoryError(f"{path} is no directory.", hint="Name a directory inside a git work tree.")
    try:
        done = git.plain("rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir", cwd=path)
    except GitError as problem:
        raise _unread(path, problem) from problem
    return _checked(path, done.stdout.decode("utf-8", "surrogateescape").split("\n"))


def _unread(path: Path, problem: GitError) -> RepositoryError:
    if error := not_ours(path, problem):
        return error
    if any((above / ".git").exists() for above in (path, *path.parents)):
        return RepositoryError(
            f"The repository of {path} cannot be read: {problem.what}",
            safe="Nothing in it was touched.",
            hint="See what `git status` says there, or clone it anew into another directory.",
        )
    return RepositoryError(
        f"{path} is not inside the work tree of a git repository.",
        hint="Run `git init` there, or name a repository to clone.",
    )


def not_ours(path: Path, problem: GitError) -> RepositoryError | None:
    """The error for a repository that git does not read, since another user of this machine owns it.

    Its words are "fatal: detected dubious ownership in repository at '/place'".
    """
    if "dubious ownership" not in problem.stderr:
        return None
    return RepositoryError(
        f"{path} belongs to another user of this machine, so git does not read it.",
        safe="Nothing in it was touched.",
        hint=f"If you trust what is in it: git config --global --add safe.directory {shlex.quote(str(path))}",
    )


def _checked(path: Path, lines: list[str]) -> UserRepository:
    work_tree, git_dir = Path(lines[0]), Path(lines[1])
    common_dir = (path / lines[2]).resolve()
    asked = git.plain("rev-parse", "--show-object-format", cwd=path).stdout.strip()
    if asked != b"sha1":
        raise RepositoryError(
            f"{work_tree} names its objects by {asked.decode()}, which GitHub does not accept.",
            hint="Use a repository with SHA-1 object names, git's default.",
        )
    return UserRepository(git_dir, common_dir, work_tree)
