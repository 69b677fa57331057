"""Handing the work in, and ending the session for good."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gitsession import files, run
from gitsession.agent.configuration import load
from gitsession.editor import marked
from gitsession.errors import SessionError
from gitsession.session.asking import Asking

if TYPE_CHECKING:
    from gitsession.proposal.values import Finished, Review, ReviewStatus

APART_TIMEOUT = 600.0


class Proposing(Asking):
    """What is done here and not by the agent, since it takes long and may ask GitHub."""

    def review(
        self,
        title: str | None = None,
        body: str | None = None,
        base: str | None = None,
        draft: bool = True,
        reviewers: Sequence[str] = (),
        labels: Sequence[str] = (),
        outputs: str = "keep",
        listen: Callable[[str], None] = lambda _: None,
    ) -> Review:
        """Hand in the work tree as it is: a commit on the review branch, and a pull request that shows it.

        A later call adds a commit and edits what was said in place. Your own commits are kept as they are.

        Args:
            title: The pull request's title; by default your only commit's subject, or what changed.
            body: What you want to say, as Markdown, above what is written for you.
            base: The branch that it goes into; the repository's default branch by default.
            draft: Open it as a draft, where the repository has drafts.
            reviewers: Logins, and teams as `org/team`.
            labels: Labels to add.
            outputs: `"strip"` leaves the outputs of changed notebooks out.
            listen: Told each step in a line, and how much goes to Git LFS before it goes.

        Raises:
            RepositoryError: There is nothing to review, or somebody else's commit must be taken in first.
            RefusedError, AuthorisationError, GitError: The branch may not be pushed, or cannot be.
            HubError: GitHub refuses the pull request; the branch is there.
        """
        from gitsession.proposal.ground import ground
        from gitsession.proposal.round import review
        from gitsession.proposal.values import Wish

        wish = Wish(title, body, base, draft, tuple(reviewers), tuple(labels), outputs)
        result = review(ground(self.places), wish, listen)
        if result.url:
            self._note_review({"number": result.number, "url": result.url})
        return result

    def review_status(self) -> ReviewStatus:
        """How the review stands, with reviewers' comments at the file, the cell and the line.

        Raises:
            HubError, AuthorisationError: GitHub does not say.
        """
        from gitsession.proposal.ground import ground
        from gitsession.proposal.status import status

        told = status(ground(self.places))
        if told.number is not None:
            self._note_review(told.to_json())
        return told

    def _note_review(self, told: dict[str, Any]) -> None:
        """Let the card and the editor show it."""
        files.write_atomically(self.places.pull_request, json.dumps(told).encode())

    def finish(self, ready: bool = False, unmount: bool = False) -> Finished:
        """Save everything a last time, mark the session as finished, and end it here; your files stay.

        Args:
            ready: Take the pull request out of draft.
            unmount: Wait until Drive has uploaded everything, five minutes at most, and unmount it; on Colab,
                from a cell. Mounting it again may need another runtime.

        Returns:
            How the pull request stands, and what could not be marked.

        Raises:
            NotSafeYet: Not everything is shipped; the session goes on.
        """
        from gitsession.proposal.finish import finish
        from gitsession.proposal.ground import ground
        from gitsession.runtime import detect

        self.flush()
        if marked.MARK in os.environ:
            return _apart(load(self.places).session.name, ready=ready)
        machine = detect(os.environ)
        return finish(ground(self.places), ready=ready, close=self.close, runtime=machine, unmount=unmount)


def _apart(session: str, *, ready: bool) -> Finished:
    """From a kernel within the editor, which ends first: by a process that goes on without both."""
    from gitsession.proposal.values import Finished

    argv = [*run.program(), "finish", "--session", session, "--json", *(["--ready"] if ready else [])]
    done = run.run(argv, timeout=APART_TIMEOUT, env=run.clean_environment())
    if done.code:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise SessionError(
            f"The session is not finished yet: {said}",
            hint="Run `gitsession finish` in a terminal outside of the editor.",
        )
    told = json.loads(done.stdout.splitlines()[-1])
    return Finished(**{**told, "marked": tuple(told["marked"]), "notes": tuple(told["notes"])})
