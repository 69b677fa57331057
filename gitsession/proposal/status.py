"""How a review stands: verdicts, and reviewers' comments at the file, the cell and the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitsession.git import lookup
from gitsession.hub.answers import Pull, ReviewComment
from gitsession.hub.answers import Review as Verdict
from gitsession.proposal.bases import HEADS
from gitsession.proposal.ground import Ground
from gitsession.proposal.values import Remark, ReviewStatus
from gitsession.review import parse

WORDS = {"APPROVED": "approved", "CHANGES_REQUESTED": "changes requested"}


def status(ground: Ground) -> ReviewStatus:
    """Ask GitHub; without a pull request the state is `none`.

    Raises:
        HubError, AuthorisationError: GitHub does not say.
    """
    pulls = ground.pulls
    pull = pulls and (pulls.find(ground.head) or pulls.find(ground.head, state="all"))
    if not pulls or not pull:
        return ReviewStatus("none")
    verdicts = pulls.reviews(pull.number)
    latest = standing(verdicts)
    said = pulls.review_comments(pull.number)
    return ReviewStatus(
        state_of(pull, latest),
        pull.number,
        pull.url,
        tuple((login, WORDS[state]) for login, state in latest.items()),
        _remarks(ground, said),
        tuple((each.author, each.body) for each in verdicts if each.body.strip()),
    )


def standing(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Each reviewer's last word that counts: a comment takes no verdict back, a dismissal does."""
    latest: dict[str, str] = {}
    for verdict in verdicts:
        if verdict.state in WORDS:
            latest[verdict.author] = verdict.state
        elif verdict.state == "DISMISSED":
            latest.pop(verdict.author, None)
    return latest


def state_of(pull: Pull, latest: Mapping[str, str]) -> str:
    """One word for where the pull request stands."""
    if pull.merged:
        return "merged"
    if pull.state != "open":
        return "closed"
    if "CHANGES_REQUESTED" in latest.values():
        return "changes requested"
    if "APPROVED" in latest.values():
        return "approved"
    return "draft" if pull.draft else "open"


def _remarks(ground: Ground, said: Sequence[ReviewComment]) -> tuple[Remark, ...]:
    books = {comment.path for comment in said if comment.path.endswith(".ipynb") and comment.line}
    cells = _cells(ground, sorted(books)) if books else {}
    return tuple(_remark(comment, cells.get(comment.path)) for comment in said)


def _cells(ground: Ground, paths: Sequence[str]) -> dict[str, parse.Notebook]:
    """The notebooks as the reviewers saw them; one that cannot be had is told by its line alone."""
    ref = HEADS + ground.session.review_branch
    if ref not in ground.refs().listed(ref):
        return {}
    commit = ground.fetched(ref, "status")
    texts = lookup.contents(ground.repository, [f"{commit}:{path}" for path in paths])
    found = {}
    for path, text in zip(paths, texts, strict=True):
        try:
            found[path] = parse.read(text or b"")
        except parse.NotANotebook:
            continue
    return found


def _remark(comment: ReviewComment, book: parse.Notebook | None) -> Remark:
    cell, line = place(book, comment.line) if book and comment.line else (None, comment.line)
    return Remark(comment.path, line, cell, comment.author, comment.body, comment.url)


def place(book: parse.Notebook, line: int) -> tuple[int | None, int]:
    """The cell whose source has a line of the file, and the line in it, both 1 the first.

    No cell, and the line of the file, where it lies in no source: notebooks put outputs before or after it.
    """
    before = [(number, cell) for number, cell in enumerate(book.cells, 1) if cell.line <= line]
    if before:
        number, cell = before[-1]
        within = line - cell.line
        if 1 <= within <= len(cell.source.splitlines()):
            return number, within
    return None, line
