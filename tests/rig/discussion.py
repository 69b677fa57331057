"""Pull requests and what people say about them."""

from __future__ import annotations

from dataclasses import dataclass, field

COMMENT_LIMIT = 65536
BASE_TIME = 1709640000  # 2024-03-05 12:00:00 UTC; the n-th thing that happens is n seconds later


@dataclass
class Comment:
    """A comment in the conversation of a pull request."""

    identity: int
    login: str
    body: str


@dataclass
class LineComment:
    """A comment on a line of a file; `line` is None when the line is gone since."""

    identity: int
    login: str
    body: str
    path: str
    line: int | None
    commit: str
    reply_to: int | None = None


@dataclass
class Review:
    """A reviewer's verdict: `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED`."""

    identity: int
    login: str
    state: str
    body: str
    commit: str


@dataclass
class PullRequest:
    """A pull request; its head follows the branch while it is open."""

    number: int
    identity: int
    login: str
    title: str
    body: str
    head_repository: str
    head: str
    head_commit: str
    base: str
    draft: bool = False
    state: str = "open"
    merged: bool = False
    merge_commit: str | None = None
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    line_comments: list[LineComment] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)

    @property
    def node(self) -> str:
        """Its name in GraphQL."""
        return f"PR_{self.identity}"
