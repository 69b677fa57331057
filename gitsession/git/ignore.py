"""What git ignores, and which directories hold tracked files."""

from __future__ import annotations

import os
from collections.abc import Iterable

from gitsession.git.command import Repository


def ignored(repository: Repository, paths: Iterable[str]) -> frozenset[str]:
    """Those of the paths that `.gitignore` and its like match, tracked or not.

    The index is left aside: `git check-ignore` would walk through all of it for each path.

    Raises:
        GitError: A path lies inside a submodule or behind a symbolic link.
    """
    asked = b"\0".join(map(os.fsencode, paths))
    if not asked:
        return frozenset()
    done = repository.run("check-ignore", "--no-index", "--stdin", "-z", stdin=asked, accept=(0, 1))
    return frozenset(os.fsdecode(path) for path in done.stdout.split(b"\0") if path)


def tracked_directories(repository: Repository) -> frozenset[str]:
    """The directories, with their parents, that hold a tracked file; the root is the empty string."""
    found: set[bytes] = {b""}
    for path in repository.output("ls-files", "-z").split(b"\0"):
        directory = path.rpartition(b"/")[0]
        while directory not in found:
            found.add(directory)
            directory = directory.rpartition(b"/")[0]
    return frozenset(map(os.fsdecode, found))


def ignored_files(repository: Repository, pathspecs: Iterable[str]) -> list[str]:
    """The untracked files that git ignores and that a pathspec names; nested repositories are left out.

    Raises:
        GitError: A pathspec is malformed.
    """
    listed = repository.output(
        "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", *pathspecs
    )
    paths = (os.fsdecode(path) for path in listed.split(b"\0") if path)
    return [path for path in paths if not path.endswith("/")]
