"""Which branch a review goes into, and where the review branch stands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gitsession.errors import NotFoundError, RepositoryError, UsageError
from gitsession.git import commits
from gitsession.proposal.ground import Ground

HEADS = "refs/heads/"
_BRANCH = re.compile(r"[^\s~^:?*\[\\\x00-\x20\x7f-][^\s~^:?*\[\\\x00-\x20\x7f]*")


def base_branch(ground: Ground, named: str | None) -> str:
    """The branch that was named, else that of the open pull request, else the repository's default.

    Raises:
        UsageError: The name is malformed.
        RepositoryError: Nothing says which, where the remote is no GitHub.
        HubError: GitHub does not say.
    """
    if named is not None:
        if not _BRANCH.fullmatch(named):
            raise UsageError(
                f"{named!r} names no branch.", hint="Write it like main, or as the address of a pull request."
            )
        return named.removeprefix(HEADS)
    hub, pulls = ground.hub, ground.pulls
    if hub is not None and pulls is not None:
        pull = pulls.find(ground.head)
        return pull.base if pull else hub.repository(ground.address).default_branch
    return _default(ground)


def _default(ground: Ground) -> str:
    """What git was told at the clone, else the only likely branch of the remote."""
    noted = commits.default_of_clone(ground.user.repository)
    if noted:
        return noted
    there = ground.refs(ground.address).listed(f"{HEADS}main", f"{HEADS}master")
    if not there:
        raise RepositoryError(
            "The remote does not say which branch a review goes into.", hint="Name it with --base."
        )
    return min(there).removeprefix(HEADS)


def fetch_base(ground: Ground, branch: str) -> str:
    """The base's commit as the remote has it now.

    Raises:
        NotFoundError: The remote has no such branch.
        GitError: It cannot be reached.
    """
    ref = f"{HEADS}{branch}"
    if ref not in ground.refs(ground.address).listed(ref):
        raise NotFoundError(
            f"{ground.address} has no branch {branch}.",
            safe="Nothing was pushed.",
            hint="Push it first, or name another one with --base.",
        )
    return ground.fetched(ref, "base", at=ground.address)


def fetch_previous(ground: Ground, base: str, head: str | None) -> str | None:
    """The review branch as the remote has it; None in the first round.

    Raises:
        RepositoryError: Somebody else added commits to it that this work tree lacks.
        GitError: The remote cannot be reached.
    """
    ref = HEADS + ground.session.review_branch
    if ref not in ground.refs().listed(ref):
        return None
    previous = ground.fetched(ref, "previous")
    foreign = _foreign(ground, previous, [base, *([head] if head else [])])
    if foreign:
        raise RepositoryError(
            f"{ground.session.review_branch} holds a commit of somebody else: {foreign}.",
            safe="Nothing was pushed; the work tree is as it was.",
            hint=f"Take it in first: git pull {ground.home.url} {ground.session.review_branch}.",
        )
    return previous


def _foreign(ground: Ground, previous: str, known: Sequence[str]) -> str:
    """The subject of a commit, such as a suggestion that was accepted on GitHub, that we did not make."""
    own = ground.configuration.author.email
    made = commits.made_by(ground.repository, previous, known)
    return next((subject for email, subject in made if email != own), "")
