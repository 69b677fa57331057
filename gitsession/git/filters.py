"""Filters that are set up and fail, as that of git-lfs does where git-lfs is not installed.

Where git only compares files with an index, no filter may keep it from answering.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from gitsession.errors import GitError
from gitsession.git.command import Repository

Answer = TypeVar("Answer")


def despite_filters(repository: Repository, ask: Callable[[Repository], Answer]) -> Answer:
    """Ask git about files, and once more with all filters switched off where it fails.

    A file that a filter would convert then differs from its entry.

    Args:
        repository: Whose index and work tree.
        ask: Is handed it, with or without its filters.

    Raises:
        GitError: It fails without filters too.
    """
    try:
        return ask(repository)
    except GitError:
        return ask(_unfiltered(repository))


def _unfiltered(repository: Repository) -> Repository:
    done = repository.run("config", "--null", "--name-only", "--get-regexp", r"^filter\.", accept=(0, 1))
    keys = done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    drivers = {key.rpartition(".")[0] for key in keys}
    off = {f"{driver}.{name}": "" for driver in drivers for name in ("process", "clean", "smudge")}
    optional = {f"{driver}.required": "false" for driver in drivers}
    return replace(repository, config={**repository.config, **off, **optional})
