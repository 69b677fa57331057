"""One pull request a session: found or created, its description and comments edited in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gitsession.errors import GitsessionError
from gitsession.review.template import renewed

COMMENT_MARK = "<!-- gitsession:review {number} -->"


class Pull(Protocol):
    """What is read of a pull request."""

    @property
    def number(self) -> int:
        """Its number."""

    @property
    def url(self) -> str:
        """Its address in a browser."""

    @property
    def draft(self) -> bool:
        """Whether it is a draft."""

    @property
    def body(self) -> str:
        """Its description."""


class Comment(Protocol):
    """What is read of a comment."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def body(self) -> str:
        """Its text."""

    @property
    def author(self) -> str:
        """The login of who wrote it."""


class Hub(Protocol):
    """What is asked of GitHub, as `gitsession.hub.Pulls` answers it."""

    def find(self, head: str, *, base: str | None = None, state: str = "open") -> Pull | None:
        """The open pull request of a branch."""

    def open(self, head: str, base: str, title: str, body: str, *, draft: bool = True) -> Pull:
        """Find or create it."""

    def update(
        self, number: int, *, title: str | None = None, body: str | None = None, base: str | None = None
    ) -> Pull:
        """Change what is given."""

    def comments(self, number: int) -> Sequence[Comment]:
        """Its conversation."""

    def comment(self, number: int, body: str) -> Comment:
        """Add a comment."""

    def edit_comment(self, identifier: int, body: str) -> Comment:
        """Replace a comment."""

    def request_reviewers(self, number: int, reviewers: Sequence[str]) -> None:
        """Ask for reviews."""

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        """Add labels."""


@dataclass(frozen=True)
class Wanted:
    """What a pull request should be.

    Args:
        head: `owner:branch`.
        base: The branch it goes into.
        title: Its title, used when it is created or when `retitle`.
        body: Its whole description; of an existing one only our part is replaced.
        draft: Whether it starts as a draft.
        reviewers: People and teams to ask.
        labels: Labels to add.
        retitle: Whether the title replaces that of an existing pull request.
    """

    head: str
    base: str
    title: str
    body: str
    draft: bool = True
    reviewers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    retitle: bool = False


@dataclass(frozen=True)
class Opened:
    """The pull request, whether it was there before, and what the user should know."""

    number: int
    url: str
    found: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edit:
    """A change of comments: `identifier` None adds one."""

    identifier: int | None
    body: str


def plan_comments(present: Sequence[Comment], wanted: Sequence[str], login: str) -> tuple[Edit, ...]:
    """Which comments to edit and add, so that ours say what is wanted and nobody is notified twice.

    Ours are written by `login` and begin with a hidden marker that carries their position. One that is no
    longer needed says so.
    """
    marks = {COMMENT_MARK.format(number=number): number for number in range(1, 100)}
    ours = {
        marks[first]: comment
        for comment in present
        if comment.author == login and (first := comment.body.partition("\n")[0].strip()) in marks
    }
    texts = dict(enumerate(wanted, 1)) | {
        number: "_This part of the review is no longer needed._" for number in ours if number > len(wanted)
    }
    bodies = {number: f"{COMMENT_MARK.format(number=number)}\n{text}" for number, text in texts.items()}
    return tuple(
        Edit(ours[number].id if number in ours else None, text)
        for number, text in sorted(bodies.items())
        if number not in ours or ours[number].body.strip() != text.strip()
    )


def open_or_update(hub: Hub, wanted: Wanted) -> Opened:
    """Find the pull request of the branch, or create it; a later call renews our part of its description.

    A reviewer or a label that GitHub refuses, such as the author as their own reviewer, becomes a note.

    Raises:
        HubError: GitHub refuses it.
    """
    found = hub.find(wanted.head)
    pull = found or hub.open(wanted.head, wanted.base, wanted.title, wanted.body, draft=wanted.draft)
    notes = []
    if found is None and wanted.draft and not pull.draft:
        notes.append("This repository takes no drafts: the pull request is open for review already.")
    body = renewed(pull.body or "", wanted.body)
    title = wanted.title if found and wanted.retitle else None
    if body != (pull.body or "") or title:
        hub.update(pull.number, body=body, title=title)
    try:
        if wanted.reviewers:
            hub.request_reviewers(pull.number, wanted.reviewers)
    except GitsessionError as error:
        notes.append(f"{', '.join(wanted.reviewers)} could not be asked for a review: {error.what}")
    try:
        if wanted.labels:
            hub.add_labels(pull.number, wanted.labels)
    except GitsessionError as error:
        notes.append(f"The labels could not be added: {error.what}")
    return Opened(pull.number, pull.url, found is not None, tuple(notes))


def publish_comments(
    hub: Hub, number: int, wanted: Sequence[str], login: str, pause: Callable[[], None]
) -> int:
    """Bring our comments up to date; how many requests changed something comes back.

    Args:
        login: Who we are on GitHub; comments of others are never touched.
        pause: Called between changes: GitHub asks for a second between them.
    """
    edits = plan_comments(hub.comments(number), wanted, login)
    for position, edit in enumerate(edits):
        if position:
            pause()
        if edit.identifier is None:
            hub.comment(number, edit.body)
        else:
            hub.edit_comment(edit.identifier, edit.body)
    return len(edits)
