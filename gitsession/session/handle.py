"""The handle that a notebook or the command line holds on a running session: a client of its agent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gitsession.errors import GitsessionError
from gitsession.session.asking import CLOSE_TIMEOUT
from gitsession.session.proposing import Proposing
from gitsession.session.work import Work

if TYPE_CHECKING:
    from types import TracebackType

    from gitsession.agent.places import Places
    from gitsession.card import Card


class Session(Work, Proposing):
    """A session that runs in the background; this handle may be dropped and had again with `gitsession.open`.

    As a context manager it is closed at the end of the block, with a last flush.

    Example:
        >>> with gitsession.open("ada/engine") as session:  # doctest: +SKIP
        ...     (session.worktree / "notes.txt").write_text("hello")
        ...     session.flush(timeout=30, level="safe")
    """

    _ipython_display_: Callable[[], None]  # there only where a notebook draws the card by itself

    def __init__(self, places: Places, *, resumed: bool = False, notes: Sequence[str] = ()) -> None:
        super().__init__(places)
        self.resumed = resumed
        self.notes = tuple(notes)

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
