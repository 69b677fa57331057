"""`gitsession attach`: open, but only where the session's agent runs already."""

from __future__ import annotations

import click

from gitsession.commands.open import document, show
from gitsession.commands.output import print_json
from gitsession.commands.target import find, json_option, session_option


@click.command(epilog="Example: gitsession attach --session 20261122-qkzt")
@session_option
@json_option
def command(session: str | None, as_json: bool) -> None:
    """Find the session that runs here and say where it is; start nothing.

    Ends with 1 where none runs.
    """
    handle = find(session)
    status = handle.status()
    if as_json:
        print_json(document(handle, status))
    else:
        show(handle, status)
