"""`open` in a kernel: the session is attached to the notebook, or the card says what is missing."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from typing import Any

from gitsession.errors import GitsessionError, TokenMissing
from gitsession.notebook import signin
from gitsession.notebook.integration import Integration
from gitsession.notebook.live import Output
from gitsession.runtime import Colab, detect
from gitsession.session import Session

_NAME = "_gitsession"  # on the shell, so that a module that is loaded anew finds it


def attach(
    shell: Any, session: Session, notebook: str | None = None, *, wants_token: bool = False
) -> Integration:
    """Attach a session to this notebook, in place of the one before.

    Args:
        shell: The IPython shell.
        session: The running session.
        notebook: The open notebook's path in the repository, if it was named.
        wants_token: Nothing is pushed until the person gives a token, and the card says how.

    Raises:
        UsageError: `notebook` is no notebook in the repository.
    """
    before = attached(shell)
    if before is not None:
        before.stop()
    found = Integration(shell, session)
    setattr(shell, _NAME, found)
    found.start(notebook, signin.steps(detect(os.environ), os.environ) if wants_token else ())
    _offer_link(shell, session)
    session._ipython_display_ = partial(_display, shell, session, shell.execution_count)
    return found


def _offer_link(shell: Any, session: Session) -> None:
    """A button that asks for a link; what one front end needs is loaded here, and nothing fails for it."""
    with suppress(GitsessionError):
        if isinstance(detect(os.environ), Colab):
            from gitsession.notebook.tunnel import Offer

            Offer(shell, session).show()
        else:
            from gitsession.notebook import fresh

            fresh.offer(shell, session)


def _display(shell: Any, session: Session, drawn: int) -> None:
    """A session as a cell's last value: its card, unless `open` has just drawn it below this very cell."""
    found = attached(shell)
    if found is not None and found.session is session and shell.execution_count != drawn:
        found.show()


def attached(shell: Any) -> Integration | None:
    """The session of this notebook, if one is attached."""
    found = getattr(shell, _NAME, None)
    return found if isinstance(found, Integration) else None


def ask_for_token(shell: Any, repo: str, error: TokenMissing) -> None:
    """Show the three steps to a token below the cell."""
    Output(shell.display_pub).show(signin.card(repo, error.what, detect(os.environ), os.environ))
