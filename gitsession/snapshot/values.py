"""The values that the snapshot engine takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitsession.model import Held, Skipped


@dataclass(frozen=True)
class Head:
    """Where the user's HEAD stands.

    Args:
        ref: The branch, such as `refs/heads/main`; None when HEAD is detached.
        commit: The commit's id; None on an unborn branch.
    """

    ref: str | None
    commit: str | None


@dataclass(frozen=True)
class Limits:
    """What a snapshot does not take in.

    Args:
        max_file_size: Bytes above which new content is held.
        spared: Whether a larger file may come in all the same, by its path.
        barred: Why a new path may not come in for its name alone; empty where it may.
    """

    max_file_size: int = 50_000_000
    spared: Callable[[str], bool] | None = None
    barred: Callable[[str], str] = lambda _: ""

    def too_large(self, path: str, size: int) -> str:
        """Why a file of this size stays out; empty where it does not."""
        if size <= self.max_file_size or (self.spared is not None and self.spared(path)):
            return ""
        return f"larger than {self.max_file_size / 1e6:g} MB"


@dataclass(frozen=True)
class Tip:
    """The newest local snapshot: its number in the session, its commit and its tree."""

    number: int
    commit: str
    tree: str


@dataclass(frozen=True)
class Taken:
    """One snapshot just taken; it is *local*: everything it needs is synced.

    Args:
        number: Its number in the session, counted from 1.
        commit: Its id.
        tree: Its tree's id.
        parent: Its first parent, None for a root.
        changed: The paths that differ from the snapshot before.
        skipped: The paths that no snapshot holds, or not completely, and why.
        held: The paths whose newest content is left out, and why.
        at_risk: The paths whose newest content only the work tree has, as git itself would leave them out.
    """

    number: int
    commit: str
    tree: str
    parent: str | None
    changed: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    held: tuple[Held, ...] = ()
    at_risk: tuple[str, ...] = ()
