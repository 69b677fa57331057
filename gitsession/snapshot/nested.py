"""Repositories inside the work tree: submodules, and clones that the user put there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from gitsession import git
from gitsession.errors import GitError

_POINTER = b"gitdir: "


def repository_at(directory: Path) -> git.Repository | None:
    """The repository whose work tree this directory is the root of; None for a plain directory."""
    place = directory / ".git"
    with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
        content = place.read_bytes()
        if content.startswith(_POINTER):
            place = directory / content[len(_POINTER) :].rstrip(b"\r\n").decode("utf-8", "surrogateescape")
    has_objects = any((place / name).exists() for name in ("objects", "commondir"))
    is_repository = has_objects and (place / "HEAD").is_file()
    return git.Repository(place.resolve(), directory) if is_repository else None


def head(repository: git.Repository) -> str | None:
    """The commit that is checked out; None on an unborn branch or in a damaged repository."""
    with suppress(GitError):
        return repository.text("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    return None


def has_own_work(repository: git.Repository) -> bool:
    """Whether it has uncommitted or untracked files, which no snapshot of the outer repository holds."""
    try:
        return bool(repository.output("status", "--porcelain", "-z", "--untracked-files=normal"))
    except GitError:
        return True
