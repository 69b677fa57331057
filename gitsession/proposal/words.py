"""The words of a review that the user did not write."""

from __future__ import annotations

import os

from gitsession.git import Repository, objects
from gitsession.review.branch import ReviewBranch
from gitsession.review.changes import Changes

WIDTH = 72
NAMED = 2


def title_of(made: ReviewBranch, changes: Changes, title: str | None) -> str:
    """The pull request's title: the user's, else their only commit's subject, else what changed."""
    if title is not None:
        return _one_line(title)
    subjects = [subject for _, subject in made.own]
    paths = [*(review.path for review in changes.notebooks), *(path for path, _ in changes.others)]
    return _one_line(subjects[0]) if len(subjects) == 1 else updated(paths)


def commit_message(repository: Repository, before: str, tree: str, title: str | None) -> str:
    """The message of a round's commit: the title, else what changed since the round before."""
    if title is not None:
        return f"{_one_line(title)}\n"
    changed = objects.differences(repository, before, tree)
    return f"{updated([os.fsdecode(change.path) for change in changed])}\n"


def updated(paths: list[str]) -> str:
    """A line such as `Update train.py, a.ipynb (+2 more)`.

    Example:
        >>> updated(["a/b.py", "c.py", "d.py"])
        'Update b.py, c.py (+1 more)'
    """
    if not paths:
        return "Update the work in progress"
    names = ", ".join(path.rpartition("/")[2] for path in paths[:NAMED])
    more = len(paths) - NAMED
    return _one_line(f"Update {names}" + (f" (+{more} more)" if more > 0 else ""))


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "Review"
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
