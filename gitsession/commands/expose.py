"""`gitsession expose`: a link to a program of one's own, through the session's gate and tunnel."""

from __future__ import annotations

import click

from gitsession.commands.output import print_json, say
from gitsession.commands.target import find, json_option, session_option
from gitsession.errors import EditorError


@click.command(epilog="Example: gitsession expose 7860")
@click.argument("port", type=click.IntRange(1, 65535))
@session_option
@json_option
def command(port: int, session: str | None, as_json: bool) -> None:
    """Print a link to the program that listens on PORT; good once and for ten minutes.

    Whoever opens the link is signed in by it, on an origin of its own. It ends with the session.
    """
    url = find(session).expose(port)
    if url is None:
        raise EditorError(
            "No tunnel is open, so nothing can be reached from outside.",
            hint="Open the session with --tunnel ngrok.",
        )
    if as_json:
        print_json({"url": url})
    else:
        say(url)
