"""`%gitsession` and `%%save`: the command line in a cell, for the session of this notebook."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from typing import Any

from gitsession import run
from gitsession.errors import AgentError, GitsessionError, SessionError, UsageError
from gitsession.notebook.attach import attached
from gitsession.notebook.integration import Integration

LIMIT = 3600.0
NOT_A_STEP = ("gitsession: ", "Usage: ")  # how errors and notes begin, ours and those of the command line
EXAMPLES = "Write %gitsession status, flush, log, restore, review, finish, or any other verb."


def register(shell: Any) -> None:
    """Make the magics known to a shell."""
    shell.register_magic_function(lambda line: _shown(command, shell, line), "line", "gitsession")
    shell.register_magic_function(
        lambda line, cell: _shown(save, shell, line, cell), magic_kind="cell", magic_name="save"
    )


def _shown(magic: Callable[..., None], *given: Any) -> None:
    """Errors in three lines: a traceback through a magic helps nobody."""
    try:
        magic(*given)
    except GitsessionError as error:
        sys.stderr.write(f"gitsession: {error}\n")


def command(shell: Any, line: str) -> None:
    """`%gitsession VERB …`; alone or with `status` it shows the card.

    Raises:
        GitsessionError: What the verb raises.
        UsageError: The line cannot be read.
    """
    words = _words(line)
    if words in ([], ["status"]):
        current(shell).show()
    elif words == ["take-tab"]:
        path = current(shell).prefer_tab()
        print(f"{path} is now what this tab holds." if path else "No notebook is open in a Colab tab.")
    else:
        _verb(shell, words)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{line!r} cannot be read: {error}.", hint=EXAMPLES) from None


def current(shell: Any) -> Integration:
    """The session of this notebook.

    Raises:
        SessionError: There is none.
    """
    found = attached(shell)
    if found is None:
        raise SessionError("No session is open in this notebook.", hint='Run gitsession.open("user/repo").')
    return found


def _verb(shell: Any, words: list[str]) -> None:
    """The command line itself, standing in the session's work tree."""
    found = attached(shell)
    try:
        place = found.session.worktree if found else None
    except AgentError:
        place = None
    done = run.attend(
        [*run.program(), *words],
        timeout=LIMIT,
        env=run.clean_environment(),
        listen=_listener(),
        cwd=place,
    )
    print(done.stdout.decode("utf-8", "replace"), end="")


def _listener() -> Callable[[bytes], None]:
    """Shows what a command says while it works: its steps as they are, and in red what begins an error."""
    stream = sys.stdout

    def hear(heard: bytes) -> None:
        nonlocal stream
        words = heard.decode("utf-8", "replace")
        if words.startswith(NOT_A_STEP):
            stream = sys.stderr
        print(words, file=stream)

    return hear


def save(shell: Any, line: str, cell: str) -> None:
    """`%%save "why"`: run the cell, then take a snapshot of that name; a cell that fails names none.

    Raises:
        GitsessionError: It could not be saved.
        UsageError: There is no name.
    """
    subject = " ".join(_words(line))
    if not subject:
        raise UsageError("A saved cell needs a name.", hint='Write it like %%save "before the long run".')
    found = current(shell)
    if not shell.run_cell(cell, store_history=False).success:
        return
    found.take_now()
    snapshot = found.session.save(subject)
    if snapshot is not None:
        print(f"Saved as snapshot {snapshot.number}: {subject}")
