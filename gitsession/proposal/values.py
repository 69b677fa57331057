"""What is asked of a review, and what comes of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gitsession.errors import UsageError

OUTPUTS = ("keep", "strip")


@dataclass(frozen=True)
class Wish:
    """What the user asks of a review; see `Session.review`."""

    title: str | None = None
    body: str | None = None
    base: str | None = None
    draft: bool = True
    reviewers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    outputs: str = "keep"

    def __post_init__(self) -> None:
        if self.outputs not in OUTPUTS:
            raise UsageError(f"outputs={self.outputs!r} is unknown.", hint='Say "keep" or "strip".')


@dataclass(frozen=True)
class Review:
    """A review as it was handed in.

    Args:
        branch: The review branch, on the repository or the fork.
        base: The branch that it goes into.
        commit: What the review branch names now.
        made: Whether this round added a commit.
        report: The full report, one HTML page.
        number: The pull request; None where the remote is no GitHub.
        url: Its address in a browser; empty without one.
        conflicts: Paths that do not merge into the base, with the cells of notebooks, for people.
        notes: What the user should know.
    """

    branch: str
    base: str
    commit: str
    made: bool
    report: Path
    number: int | None = None
    url: str = ""
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The form for programs."""
        return {**asdict(self), "report": str(self.report)}


@dataclass(frozen=True)
class Remark:
    """A reviewer's comment on a line; of a notebook the cell, 1 the first, and the line in its source."""

    path: str
    line: int | None
    cell: int | None
    author: str
    text: str
    url: str


@dataclass(frozen=True)
class ReviewStatus:
    """How a review stands.

    Args:
        state: `none`, `draft`, `open`, `approved`, `changes requested`, `merged` or `closed`.
        number: The pull request's number; None without one.
        url: Its address in a browser.
        reviewers: Who approved or asked for changes, with the word for it.
        remarks: The comments on lines, oldest first.
        words: What reviewers wrote with their verdicts, as author and text.
    """

    state: str
    number: int | None = None
    url: str = ""
    reviewers: tuple[tuple[str, str], ...] = ()
    remarks: tuple[Remark, ...] = ()
    words: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The form for programs."""
        return asdict(self)


@dataclass(frozen=True)
class Finished:
    """How a session ended.

    Args:
        session: Its name.
        review: How its pull request stands; `none` without one, `unknown` where GitHub did not say.
        url: The pull request's address; empty without one.
        marked: The places that know that it is finished.
        notes: What the user should know.
    """

    session: str
    review: str
    url: str = ""
    marked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The form for programs."""
        return asdict(self)
