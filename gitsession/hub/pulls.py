"""Pull requests of one repository: found or created, kept up to date, commented once."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from gitsession.errors import HubError
from gitsession.hub.answers import Comment, Pull, Review, ReviewComment
from gitsession.hub.door import Door

_READY = (
    "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { clientMutationId } }"
)


class Pulls:
    """What `Hub.pulls` answers with; its methods raise what those of `Hub` raise."""

    def __init__(self, door: Door, name: str) -> None:
        owner, _, short = name.partition("/")
        self._door, self._name = door, name
        self._root = f"/repos/{quote(owner, safe='')}/{quote(short, safe='')}"

    def find(self, head: str, *, base: str | None = None, state: str = "open") -> Pull | None:
        """The newest pull request from a branch.

        Args:
            head: `owner:branch`, where the branch may lie in a fork.
            base: Only into this branch.
            state: `open`, `closed` or `all`.
        """
        into = {} if base is None else {"base": base}
        found = self._door.pages(
            "looking for the pull request", f"{self._root}/pulls", head=head, state=state, **into
        )
        branch = head.partition(":")[2]
        pulls = [Pull.from_json(entry) for entry in found]
        return next((pull for pull in pulls if pull.head == branch), None)

    def get(self, number: int) -> Pull:
        """One pull request as it is now."""
        return Pull.from_json(self._door.read(f"reading pull request {number}", self._pull(number)).body)

    def open(self, head: str, base: str, title: str, body: str, *, draft: bool = True) -> Pull:
        """The open pull request from a branch into another, created if there is none.

        Where the repository allows no drafts it is created ready: see `Pull.draft` of the answer.

        Raises:
            HubError: There is no difference between the two branches, or GitHub refuses it otherwise.
        """
        existing = self.find(head, base=base)
        if existing is not None:
            return existing
        try:
            return self._create(head, base, title, body, draft)
        except HubError as error:
            if not (draft and type(error) is HubError and "draft" in error.what.lower()):
                raise
            return self._create(head, base, title, body, False)

    def _create(self, head: str, base: str, title: str, body: str, draft: bool) -> Pull:
        fields = {"head": head, "base": base, "title": title, "body": body, "draft": draft}

        def attempt() -> Pull:
            answer = self._door.once("opening the pull request", "POST", f"{self._root}/pulls", body=fields)
            return Pull.from_json(answer.body)

        def find() -> Pull | None:
            return self.find(head, base=base)

        try:
            return self._door.create(attempt, find)
        except HubError as error:
            found = find() if type(error) is HubError and "already exists" in error.what else None
            if found is None:
                raise
            return found

    def update(
        self, number: int, *, title: str | None = None, body: str | None = None, base: str | None = None
    ) -> Pull:
        """Change what is given, and leave the rest."""
        given = {"title": title, "body": body, "base": base}
        fields = {name: value for name, value in given.items() if value is not None}
        answer = self._door.change(f"updating pull request {number}", "PATCH", self._pull(number), fields)
        return Pull.from_json(answer.body)

    def mark_ready(self, number: int) -> Pull:
        """Take a draft out of draft; REST cannot do that."""
        pull = self.get(number)
        if pull.draft:
            what = f"marking pull request {number} ready"
            self._door.retried(lambda: self._door.graphql(what, _READY, {"id": pull.node}))
        return self.get(number) if pull.draft else pull

    def comments(self, number: int) -> tuple[Comment, ...]:
        """The conversation, oldest first."""
        found = self._door.pages(f"reading the comments of {number}", f"{self._issue(number)}/comments")
        return tuple(Comment.from_json(entry) for entry in found)

    def comment(self, number: int, body: str) -> Comment:
        """The comment with exactly these words, added if there is none."""

        def attempt() -> Comment:
            path = f"{self._issue(number)}/comments"
            answer = self._door.once(f"commenting on {number}", "POST", path, body={"body": body})
            return Comment.from_json(answer.body)

        def find() -> Comment | None:
            return next((each for each in self.comments(number) if each.body == body), None)

        return find() or self._door.create(attempt, find)

    def edit_comment(self, identifier: int, body: str) -> Comment:
        """Replace a comment's text."""
        path = f"{self._root}/issues/comments/{identifier}"
        return Comment.from_json(self._door.change("editing the comment", "PATCH", path, {"body": body}).body)

    def review_comments(self, number: int) -> tuple[ReviewComment, ...]:
        """The comments on lines of files, oldest first."""
        path = f"{self._pull(number)}/comments"
        found = self._door.pages(f"reading the review comments of {number}", path)
        return tuple(ReviewComment.from_json(entry) for entry in found)

    def reviews(self, number: int) -> tuple[Review, ...]:
        """The reviewers' verdicts, oldest first."""
        found = self._door.pages(f"reading the reviews of {number}", f"{self._pull(number)}/reviews")
        return tuple(Review.from_json(entry) for entry in found)

    def request_reviewers(self, number: int, reviewers: Sequence[str]) -> None:
        """Ask people, and teams written as `org/team`; asking again changes nothing."""
        people = [name for name in reviewers if "/" not in name]
        teams = [name.partition("/")[2] for name in reviewers if "/" in name]
        fields = {"reviewers": people, "team_reviewers": teams}
        path = f"{self._pull(number)}/requested_reviewers"
        self._door.change(f"asking for a review of {number}", "POST", path, fields)

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        """Add labels; those it has already change nothing."""
        path = f"{self._issue(number)}/labels"
        self._door.change(f"labelling {number}", "POST", path, {"labels": list(labels)})

    def _pull(self, number: int) -> str:
        return f"{self._root}/pulls/{number}"

    def _issue(self, number: int) -> str:
        return f"{self._root}/issues/{number}"
