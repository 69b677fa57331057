"""Repositories inside the work tree: submodules, and clones that the user put there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from gitsession import git
from gitsession.errors import GitError
from gitsession.git import configuration

OUTER_ONLY = ("--porcelain", "-z", "--untracked-files=normal", "--ignore-submodules=dirty")
FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"
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
    """Whether it has uncommitted or untracked files, which no snapshot of the outer repository holds.

    Its settings came with it and may name programs, which must not run: its filters are taken out, and git is
    kept from entering the repositories in it, where it would heed none of our settings.
    """
    try:
        quiet = replace(repository, variables=_without_filters(repository))
        return bool(quiet.output("status", *OUTER_ONLY)) or any(map(has_own_work, _inside(repository)))
    except GitError:
        return True


def _without_filters(repository: git.Repository) -> dict[str, str]:
    """Each filter's programs set to none, by variables: `-c` cannot name one with an equals sign."""
    keys = configuration.matching(repository, FILTERS)
    settings = [(key, "false" if key.endswith(".required") else "") for key in keys]
    named = {f"GIT_CONFIG_KEY_{place}": key for place, (key, _) in enumerate(settings)}
    values = {f"GIT_CONFIG_VALUE_{place}": value for place, (_, value) in enumerate(settings)}
    return {**named, **values, "GIT_CONFIG_COUNT": str(len(settings))}


def _inside(repository: git.Repository) -> Iterator[git.Repository]:
    """The submodules that are checked out in it."""
    for line in repository.output("ls-files", "-z", "--stage").split(b"\0"):
        if line.startswith(b"160000 ") and repository.work_tree is not None:
            inner = repository_at(repository.work_tree / os.fsdecode(line.partition(b"\t")[2]))
            if inner is not None:
                yield inner
