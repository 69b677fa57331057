"""`gitsession finish`: the last flush, the session marked as finished, nothing of ours runs on."""

from __future__ import annotations

import click

from gitsession import run
from gitsession.commands.output import inert, note, print_json, say
from gitsession.commands.target import find, json_option, session_option
from gitsession.editor import marked


@click.command(epilog="Example: gitsession finish --ready")
@session_option
@click.option("--ready", is_flag=True, help="Take the pull request out of draft.")
@json_option
def command(session: str | None, ready: bool, as_json: bool) -> None:
    """Save everything, mark the session as finished and end it here. Your files stay where they are.

    The next `gitsession open` starts a new session. To go on with this one later, use `gitsession close`.
    """
    run.leave(marked.MARK)  # the editor ends, with its terminals, before the session is marked
    done = find(session).finish(ready)
    if as_json:
        print_json(done.to_json())
        return
    for line in done.notes:
        note(f"gitsession: {inert(line)}")
    pull = f" Its pull request is {done.review}: {inert(done.url)}" if done.url else ""
    say(f"Finished {inert(done.session)}.{pull}")
