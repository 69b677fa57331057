"""The handle that a notebook or the command line holds on a running session: a client of its agent."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitsession import files
from gitsession.agent import control
from gitsession.errors import GitsessionError, NotSafeYet, StorageError
from gitsession.model import Level, Snapshot, Update
from gitsession.status import Status

if TYPE_CHECKING:
    from types import TracebackType

    from gitsession.agent.places import Places
    from gitsession.card import Card
    from gitsession.proposal.values import Finished, Review, ReviewStatus

ANSWER_TIMEOUT = 30.0
CLOSE_TIMEOUT = 120.0
FETCH_TIMEOUT = 24 * 3600.0  # as long as bytes move: a storage that stalls ends it sooner


class Session:
    """A session that runs in the background; this handle may be dropped and had again with `gitsession.open`.

    As a context manager it is closed at the end of the block, with a last flush.

    Example:
        >>> with gitsession.open("ada/engine") as session:  # doctest: +SKIP
        ...     (session.worktree / "notes.txt").write_text("hello")
        ...     session.flush(timeout=30, level="safe")
    """

    _ipython_display_: Callable[[], None]  # there only where a notebook draws the card by itself

    def __init__(self, places: Places, *, resumed: bool = False, notes: Sequence[str] = ()) -> None:
        self.places = places
        self.resumed = resumed
        self.notes = tuple(notes)

    def _ask(self, op: str, timeout: float = ANSWER_TIMEOUT, **fields: Any) -> dict[str, Any]:
        return control.ask(self.places.agent_socket, op, timeout=timeout, **fields)

    def status(self) -> Status:
        """What is saved where, what is at risk and why, and how long this machine is expected to last."""
        return Status.from_json(self._ask("status")["status"])

    def flush(self, timeout: float = 60.0, level: str | None = None) -> Status:
        """Save and ship everything now, past every interval.

        Args:
            timeout: Seconds to wait.
            level: `"local"`, `"stored"` or `"safe"` for everything; by default whatever every replica
                that answers can give.

        Raises:
            NotSafeYet: It was not reached in time; the message names what is missing.
        """
        wanted = None if level is None else str(Level.parse(level))
        answer = self._ask("flush", timeout=timeout + ANSWER_TIMEOUT, seconds=timeout, level=wanted)
        missing = answer["missing"]
        if missing:
            raise NotSafeYet(
                f"Not everything is {wanted or 'shipped'} yet: {'; '.join(missing)}.",
                safe="What `gitsession status` shows as acknowledged is safe; saving goes on.",
                hint="Wait and flush again, or see `gitsession status` for what stands in the way.",
            )
        return self.status()

    def snapshots(self, limit: int = 100) -> list[Snapshot]:
        """The newest snapshots first, at most `limit` of them."""
        found = self._ask("log", limit=limit)["snapshots"]
        return [Snapshot(**entry) for entry in found]

    def restore(
        self, path: str | None = None, at: int | str | None = None, *, before_cell: int | None = None
    ) -> tuple[str, ...]:
        """Bring back a file, a folder, or with `path=None` the whole tree, as it was in a snapshot.

        What is there now is saved as a snapshot before, so that a restore can itself be undone.

        Args:
            path: Relative to the work tree.
            at: A snapshot's number, or a time such as `"10 minutes ago"`; the one before the last by default.
            before_cell: The snapshot from before this cell of a notebook ran, by the number beside it, in
                place of `at`.

        Returns:
            The paths that changed.
        """
        asked = {"path": path, "at": at, "before_cell": before_cell or 0}
        return tuple(self._ask("restore", timeout=CLOSE_TIMEOUT, **asked)["changed"])

    def compare(
        self, path: str | None = None, at: int | str | None = None, *, before_cell: int | None = None
    ) -> str:
        """What `restore` would change, as git shows it: the arguments are its own; nothing is changed."""
        asked = {"path": path, "at": at, "before_cell": before_cell or 0}
        return str(self._ask("restore", timeout=CLOSE_TIMEOUT, preview=True, **asked)["patch"])

    def note_activity(self, *, running: bool, cell: int = 0, source: str = "") -> None:
        """Say that this kernel's cell begins or has ended: platforms call it activity, the timeline tells it.

        Args:
            running: It begins.
            cell: The number that the notebook shows beside it.
            source: The first digits of its source's SHA-256.
        """
        self._ask("activity", running=running, kernel=os.getpid(), cell=cell, hash=source)

    def commit(self, message: str, push: bool = False) -> str:
        """Make a commit of everything on your own branch, as `git add --all` and `git commit` would.

        Args:
            message: The commit's message.
            push: Push the branch to its upstream afterwards.

        Returns:
            The commit's id.
        """
        return str(self._ask("commit", timeout=CLOSE_TIMEOUT, message=message, push=push)["commit"])

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
        machine = detect(os.environ)
        return finish(ground(self.places), ready=ready, close=self.close, runtime=machine, unmount=unmount)

    def fetch(self, pattern: str) -> tuple[str, ...]:
        """Bring back files that were left in the vault, such as those that `lazy=` named.

        A file that stands in the place of one is left alone; the one from the vault lies beside it then.

        Args:
            pattern: A path or a pattern of paths, such as `"checkpoints/**"` or `"*.pt"`.

        Returns:
            Where they lie now.

        Raises:
            SessionError: It means none of them.
            StorageError: There is no vault, or some of them are not in it.
        """
        answer = self._ask("fetch", timeout=FETCH_TIMEOUT, pattern=pattern)
        if answer["missing"]:
            raise StorageError(
                f"Not everything could be had: {'; '.join(answer['missing'])}.",
                safe=f"{len(answer['paths'])} files are back; the others stay awaited.",
                hint="Fetch again once the storage is complete.",
            )
        return tuple(answer["paths"])

    def allow(self, what: str, once: bool = False) -> tuple[str, ...]:
        """Let leave what is held: for good, which is kept with the session, or once.

        Args:
            what: A path, a pattern of paths, or the name of a finding as `status` shows it.
            once: Only with the content that it has now.

        Returns:
            The held paths that go on with the next snapshot.

        Raises:
            SessionError: With `once`, where nothing of it is held.
        """
        return tuple(self._ask("allow", timeout=CLOSE_TIMEOUT, what=what, once=once)["released"])

    def update(self, source: str | None = None) -> Update:
        """Bring what is new on the base, the upstream or a template into the work tree.

        Where both sides changed the same lines, yours stay and the other file lies beside yours as
        `<name>.from-<base>`; a file that you deleted comes back if it changed there. Your branches and index
        are not touched, and `restore` with the answer's `before` undoes all of it.

        Args:
            source: A branch, tag or commit; by default your branch's upstream, else the remote's default one.

        Raises:
            RepositoryError: There is nothing to update from.
        """
        found = self._ask("update", timeout=CLOSE_TIMEOUT, source=source)
        lists = (tuple(found[name]) for name in ("changed", "beside", "back"))
        return Update(found["source"], found["commit"], found["before"], *lists)

    def wait(self, pid: int | None = None, command: str | Sequence[str] | None = None) -> int:
        """Keep a cell or a shell busy until work ends, with one line that says how it is saved.

        Args:
            pid: A process that runs already; its exit code is nobody's to know, so 0 is answered.
            command: A command line, or its words; it runs in the work tree.

        Returns:
            The command's exit code, 128 + n after signal n.

        Raises:
            UsageError: Both or neither are given, or there is no such program.
            SessionError: There is no such process.
        """
        from gitsession import waiting

        return waiting.until_ended(self._line, pid=pid, command=command, cwd=self.worktree)

    def _line(self) -> str:
        try:
            status = self.status()
        except GitsessionError as error:
            return f"gitsession: {error.what}"
        number = status.snapshot.number if status.snapshot else 0
        return f"gitsession: {status.state} · snapshot {number} · {len(status.at_risk)} at risk"

    def note_ran(self, record: str) -> None:
        """Have the next snapshot say what ran before it: one line of JSON, published with the snapshot."""
        self._ask("note-ran", ran=record, kernel=os.getpid())

    def save(self, subject: str) -> Snapshot | None:
        """Take a snapshot now and name it; None where nothing has changed since the one before.

        Args:
            subject: What `gitsession log` will say of it.
        """
        saved = self._ask("save", timeout=CLOSE_TIMEOUT, subject=subject)["snapshot"]
        return saved and Snapshot(saved["number"], saved["commit"], saved["at"], subject)

    def holds_token(self) -> bool:
        """Whether the session was given a token, with which it can push."""
        return control.ask(self.places.keeper_socket, "token", timeout=ANSWER_TIMEOUT)["token"] is not None

    def processes(self) -> tuple[int, ...]:
        """The process ids of what runs for this session: its keeper and its agent."""
        sockets = (self.places.keeper_socket, self.places.agent_socket)
        return tuple(int(control.ask(place, "ping", timeout=ANSWER_TIMEOUT)["pid"]) for place in sockets)

    def close(self, *, flush: bool = True) -> tuple[str, ...]:
        """Save everything, end the background processes and remove our hooks; your files stay.

        Args:
            flush: Save and ship everything first.

        Returns:
            What could not be saved anywhere but on this machine; nothing, when all went well.
        """
        answer = control.ask(self.places.keeper_socket, "stop", timeout=CLOSE_TIMEOUT, flush=flush)
        return tuple(answer["missing"])

    @property
    def worktree(self) -> Path:
        """The directory you edit."""
        return self.status().worktree

    @property
    def url(self) -> str | None:
        """A fresh link to the editor, good once and for ten minutes; None without an editor."""
        link = self._ask("ticket")["url"]
        return None if link is None else str(link)

    def expose(self, port: int) -> str | None:
        """A fresh link to a program of your own that listens on a port of this machine.

        It is on an origin of its own and ends with the session; None where no tunnel is open yet.

        Args:
            port: Where your program listens, such as a Gradio or FastAPI server.

        Raises:
            EditorError: The session has no editor, and so no way from outside.
        """
        said = self._ask("expose", timeout=CLOSE_TIMEOUT, port=port)
        if said["through_colab"]:
            from gitsession.editor.tunnel.colab import address_of

            there = address_of(said["behind"])
            said = self._ask("expose", timeout=CLOSE_TIMEOUT, port=port, url=there.url, host=there.host)
        return None if said["url"] is None else str(said["url"])

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _repr_mimebundle_(self, **_wanted: Any) -> dict[str, str]:
        """The status card, for front ends of Jupyter, with its plain form."""
        from gitsession.card import bundle

        return bundle(self._card())

    def _repr_html_(self) -> str:
        """The status card as HTML."""
        from gitsession.card import html

        return html(self._card())

    def _card(self) -> Card:
        from gitsession.agent.configuration import load
        from gitsession.card.gather import gather

        return gather(self.status(), load(self.places), at=time.time(), notices=self.notes)

    def __repr__(self) -> str:
        return f"<Session at {self.places.directory.name}>"
