"""The review branch: the user's own commits as they are, work in progress one tidy commit, never a force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitsession.errors import GitError, RepositoryError
from gitsession.git import Repository, commits, lookup
from gitsession.model import Identity
from gitsession.review.notebooks import compare


@dataclass(frozen=True)
class Round:
    """What one call of `review` starts from; commits and trees are object ids in the same repository.

    Args:
        tree: The work tree as the newest snapshot has it.
        base: The commit that the pull request goes into.
        head: Where the user's HEAD stands; None on an unborn branch.
        previous: The review branch as the remote has it; None in the first round.
    """

    tree: str
    base: str
    head: str | None
    previous: str | None = None


@dataclass(frozen=True)
class ConflictedFile:
    """A path that cannot be merged by itself; of a notebook the cells that both sides changed."""

    path: str
    cells: tuple[int, ...] = ()


@dataclass(frozen=True)
class ReviewBranch:
    """The review branch after a round.

    Args:
        tip: What to push; it descends from what was there.
        made: Whether a commit was made: False when the user's own commits say it all or nothing changed.
        own: The user's own commits that it holds over the base, oldest first, as id and subject.
        conflicts: What would not merge into the base.
        notes: Sentences that the user should read.
    """

    tip: str
    made: bool
    own: tuple[tuple[str, str], ...]
    conflicts: tuple[ConflictedFile, ...]
    notes: tuple[str, ...] = ()


def plan_parents(round_: Round, *, head_in_previous: bool, previous_in_head: bool) -> tuple[str, ...]:
    """The parents of a round's commit: what was reviewed before, and the user's own commits since.

    The first round stands on HEAD. A later one stands on the last, so that nobody has to force; own commits
    made since then come in as a second parent, or alone where they already stand on the last round.
    """
    if round_.previous is None:
        return (round_.head or round_.base,)
    if round_.head is None or head_in_previous:
        return (round_.previous,)
    return (round_.head,) if previous_in_head else (round_.previous, round_.head)


def build(
    repository: Repository,
    round_: Round,
    message: str,
    author: Identity,
    *,
    signing: Mapping[str, str] | None = None,
) -> ReviewBranch:
    """Make the commit of a round, if there is something to commit, and try its merge into the base.

    Args:
        repository: The shadow repository, where everything named is.
        message: The commit's message; it carries no trailer that would skip checks.
        author: The user, who is also the committer.
        signing: The user's settings for signing; None where they do not sign.

    Raises:
        RepositoryError: There is nothing to review.
        GitError: Something named is missing.
    """
    parents = _parents(repository, round_)
    unchanged = len(parents) == 1 and commits.tree_of(repository, parents[0]) == round_.tree
    notes: tuple[str, ...] = ()
    tip = parents[0]
    if not unchanged:
        tip, notes = _commit(repository, round_.tree, parents, message, author, signing)
    if commits.tree_of(repository, round_.base) == round_.tree and round_.previous is None:
        raise RepositoryError(
            "There is nothing to review: your files are as they are in the base.",
            safe="Nothing was pushed.",
            hint="Name another base with base= (--base), or change something first.",
        )
    fork = commits.merge_base(repository, round_.base, tip)
    own = commits.subjects(repository, fork, round_.head) if fork and round_.head else ()
    moved = fork != round_.base
    conflicts = find_conflicts(repository, round_.base, tip) if moved else ()
    return ReviewBranch(tip, not unchanged, own, conflicts, (*notes, *_moved(moved, conflicts)))


def _parents(repository: Repository, round_: Round) -> tuple[str, ...]:
    head, previous = round_.head, round_.previous
    both = head is not None and previous is not None
    return plan_parents(
        round_,
        head_in_previous=both and commits.is_ancestor(repository, str(head), str(previous)),
        previous_in_head=both and commits.is_ancestor(repository, str(previous), str(head)),
    )


def _commit(
    repository: Repository,
    tree: str,
    parents: tuple[str, ...],
    message: str,
    author: Identity,
    signing: Mapping[str, str] | None,
) -> tuple[str, tuple[str, ...]]:
    if signing is not None:
        try:
            return commits.commit(repository, tree, parents, message, author, signing=signing), ()
        except GitError as error:
            note = f"The commit is not signed: {error.what}"
            return commits.commit(repository, tree, parents, message, author), (note,)
    return commits.commit(repository, tree, parents, message, author), ()


def _moved(moved: bool, conflicts: tuple[ConflictedFile, ...]) -> tuple[str, ...]:
    if not moved:
        return ()
    if not conflicts:
        return ("The base moved meanwhile; the merge was tried and works.",)
    return (f"The base moved meanwhile, and {len(conflicts)} files are in conflict with it.",)


def find_conflicts(repository: Repository, base: str, tip: str) -> tuple[ConflictedFile, ...]:
    """Try the merge in memory; what both sides changed comes back, of notebooks cell by cell."""
    found = commits.merge(repository, base, tip).conflicts
    return tuple(_told(repository, conflict) for conflict in found)


def _told(repository: Repository, conflict: commits.Conflict) -> ConflictedFile:
    sides = (conflict.base, conflict.ours, conflict.theirs)
    if not conflict.path.endswith(".ipynb") or None in sides:
        return ConflictedFile(conflict.path)
    base, ours, theirs = (
        content or b"" for content in lookup.contents(repository, [str(side) for side in sides])
    )
    touched = [
        {change.old for change in compare(conflict.path, base, side).cells if change.old}
        for side in (ours, theirs)
    ]
    return ConflictedFile(conflict.path, tuple(sorted(touched[0] & touched[1])))
