"""One session in one kernel: hears cells begin and end, keeps the card and the open notebook current."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gitsession.agent.configuration import load
from gitsession.card import Card, Step
from gitsession.card.gather import colab_link
from gitsession.errors import AgentError, GitsessionError
from gitsession.git import Repository
from gitsession.notebook import capture, document, lineage, ran
from gitsession.notebook.capture import Capture, Captured
from gitsession.notebook.document import Notebook
from gitsession.notebook.lineage import Take
from gitsession.notebook.live import Attendant, Output
from gitsession.notebook.page import Page
from gitsession.notebook.view import View
from gitsession.session import Session

NO_PATH = 'The notebook in this tab is not saved: name it with `notebook="path/in/repository.ipynb"`.'
NO_PAGE = "The page did not say what is in this tab; it is asked again after the next cell."


class Integration:
    """What a session does in a kernel.

    Args:
        shell: The IPython shell.
        session: The session.
    """

    def __init__(self, shell: Any, session: Session) -> None:
        self.session = session
        self.view = View(session)
        self._shell = shell
        self._output = Output(shell.display_pub)
        self._attendant = Attendant(self._look)
        self._surroundings = ran.Looking()
        self._began: list[float] = []
        self._capture: Capture | None = None
        self._wanted: str | None = None
        self._page = Page(self._take_later) if _has_page() else None

    def start(self, notebook: str | None, steps: tuple[Step, ...] = ()) -> None:
        """Show the card and go on for as long as the kernel lives; on the main thread, in a cell.

        Args:
            notebook: The open notebook's path, if it was named.
            steps: What the person has yet to do.

        Raises:
            UsageError: `notebook` is no notebook in the repository.
        """
        self.view.said = replace(self.view.said, steps=steps)
        self._wanted = notebook
        if notebook is not None:
            capture.checked_path(self.session.worktree, notebook)
        if self._page is not None and (found := self._page.ask_now()) is not None:
            self._take(found)
        elif self._page is not None:
            self._notice(NO_PAGE)
        self.show()
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)
        self._note_begin(self._inputs() - 1, "")
        self._attendant.cell_begins()

    def stop(self) -> None:
        """Hear no more of cells."""
        for event, hears in (("pre_run_cell", self._before), ("post_run_cell", self._after)):
            if hears in self._shell.events.callbacks[event]:
                self._shell.events.unregister(event, hears)

    def show(self) -> None:
        """Show the card below the cell that runs; it is the one that is kept current from now on."""
        self._output.show(self.view.now())

    def take_now(self) -> None:
        """Take the notebook in the tab at once; on the main thread."""
        if self._page is not None and (found := self._page.ask_now()) is not None:
            self._take(found)

    def prefer_tab(self) -> str | None:
        """Let the tab win over the file from now on; answers with the notebook's path, None without one."""
        if self._capture is None:
            return None
        self._capture.take_over()
        self.view.said = replace(self.view.said, lead=None)
        self.take_now()
        return self._capture.path

    def _before(self, info: Any) -> None:
        if self._page is not None:
            self._page.settle()
        if not self._began:
            self._note_begin(self._inputs(), info.raw_cell or "")
        self._began.append(time.monotonic())
        self._attendant.cell_begins()

    def _after(self, result: Any) -> None:
        seconds = time.monotonic() - self._began.pop() if self._began else None
        if not self._began:
            cell = _cell(result, seconds)
            self._attendant.do(lambda: self._note(cell))
            self._attendant.do(self._note_end)
            self._attendant.cell_ended()
            if self._page is not None:
                self._page.ask_soon()

    def _inputs(self) -> int:
        """The number of the cell that is about to run; newer IPythons have counted on by then."""
        return len(self._shell.history_manager.input_hist_parsed)

    def _note_begin(self, number: int, source: str) -> None:
        name = ran.source_hash(source)

        def note() -> None:
            with suppress(GitsessionError):  # the card says what is wrong with the session
                self.session.note_activity(running=True, cell=number, source=name)

        self._attendant.do(note)

    def _note_end(self) -> None:
        with suppress(GitsessionError):
            self.session.note_activity(running=False)

    def _note(self, cell: ran.Cell) -> None:
        try:
            self.session.note_ran(ran.record(cell, self._surroundings.look()))
        except GitsessionError:
            return  # the session was closed, or its agent is being restarted: the card says so

    def _look(self) -> Card | None:
        try:
            card = self.view.now()
        except AgentError:
            if self.session.places.is_running():
                return None
            self.stop()
            ended = self.view.ended()
            if ended is not None:
                self._output.update(ended)
            return None
        self._output.update(card)
        return card

    def _take_later(self, notebook: Notebook) -> None:
        self._attendant.do(lambda: self._take(notebook))

    def _take(self, notebook: Notebook) -> None:
        self._unsay(NO_PAGE)
        try:
            if self._capture is None:
                self._capture = self._begin(notebook)
            if self._capture is not None:
                self._tell(self._capture.take(notebook))
        except (GitsessionError, OSError) as error:
            self._notice(f"The notebook in this tab could not be saved: {error}")

    def _begin(self, notebook: Notebook) -> Capture | None:
        """Find out which notebook it is and what its file has been, before anything is taken."""
        worktree, configuration = self.session.worktree, load(self.session.places)
        path = (
            self._wanted
            or _named(configuration.address.file)
            or lineage.guess(
                document.badges(notebook),
                document.name(notebook),
                configuration.address,
                capture.notebooks(worktree),
            )
        )
        if path is None:
            self._notice(NO_PATH)
            return None
        path = capture.checked_path(worktree, path)
        newest = self.session.status().snapshot
        shadow = Repository(self.session.places.shadow)
        known = capture.earlier(shadow, worktree, path, newest.commit if newest else None)
        return Capture(worktree, path, known)

    def _tell(self, captured: Captured) -> None:
        lead = None
        if captured.stale:
            configuration, snapshot = load(self.session.places), self.session.status().snapshot
            home = configuration.fork or configuration.address
            link = colab_link(home, snapshot.commit, captured.path) if snapshot else None
            lead = (
                "This tab is older than your session: nothing is taken from it."
                f" {captured.path} is in the work tree as you left it.",
                link,
            )
        elif captured.take is Take.BESIDE:
            other = lineage.beside(captured.path)
            lead = (
                f"{captured.path} was edited elsewhere, so this tab is kept beside it as {other}."
                " `%gitsession take-tab` lets the tab win.",
                None,
            )
        self.view.said = replace(self.view.said, lead=lead)

    def _notice(self, sentence: str) -> None:
        if sentence not in self.view.said.notices:
            self.view.said = replace(self.view.said, notices=(*self.view.said.notices, sentence))

    def _unsay(self, sentence: str) -> None:
        left = tuple(notice for notice in self.view.said.notices if notice != sentence)
        self.view.said = replace(self.view.said, notices=left)


def _has_page() -> bool:
    return "google.colab" in sys.modules


def _named(file: str | None) -> str | None:
    return file if file is not None and file.endswith(".ipynb") else None


def _cell(result: Any, seconds: float | None) -> ran.Cell:
    error = result.error_in_exec or result.error_before_exec
    return ran.Cell(
        cell=result.execution_count or 0,
        hash=ran.source_hash(result.info.raw_cell if result.info else ""),
        seconds=None if seconds is None else round(seconds, 3),
        ok=bool(result.success),
        error=type(error).__name__ if error else "",
    )
