"""Bringing the review branch and its plots to the remote: forward only, and read back."""

from __future__ import annotations

from collections.abc import Sequence

from gitsession.errors import GitError, LeaseLost
from gitsession.git import commits
from gitsession.git.transfer import Update
from gitsession.proposal.ground import Ground
from gitsession.review import plots
from gitsession.review.outputs import Image

PLOTS = "plots"


def push(ground: Ground, ref: str, new: str, old: str | None) -> None:
    """Move a ref of the remote from `old` to its descendant `new`; where it is there already, do nothing.

    Raises:
        LeaseLost: Somebody else moved it meanwhile.
        RefusedError, AuthorisationError, GitError: The remote refuses, or cannot be reached.
    """
    if new == old:
        return
    if old is not None and not commits.is_ancestor(ground.repository, old, new):
        raise GitError(
            f"{ref} would not move forward.",
            safe="Nothing was pushed.",
            hint="Merge what is there into your work first, then repeat it.",
        )
    try:
        ground.refs().move([Update(ref, new, old)])
    except LeaseLost as lost:
        raise LeaseLost(
            f"{ref} was moved by somebody else meanwhile.",
            ref=ref,
            found=lost.found,
            safe="Nothing was overwritten.",
            hint="Run `gitsession review` again.",
        ) from None


def push_plots(ground: Ground, number: int, images: Sequence[Image]) -> dict[str, str]:
    """Keep a review's images beside the pull request; answers with the address of each by its name.

    Raises:
        LeaseLost, RefusedError, AuthorisationError, GitError: As `push`.
    """
    if not images:
        return {}
    ref = plots.ref(number)
    there = ground.refs().listed(ref)
    previous = ground.fetched(ref, PLOTS) if ref in there else None
    commit = plots.commit(ground.repository, images, ground.configuration.author, previous)
    if commit is not None and not (previous and _same_tree(ground, previous, commit)):
        push(ground, ref, commit, previous)
        previous = commit
    return plots.links(images, web(ground), previous)


def _same_tree(ground: Ground, one: str, other: str) -> bool:
    return commits.tree_of(ground.repository, one) == commits.tree_of(ground.repository, other)


def web(ground: Ground, *, upstream: bool = False) -> str:
    """The address in a browser of the repository that holds the branch, or that it goes into."""
    return (ground.address if upstream else ground.home).url.removesuffix(".git")
