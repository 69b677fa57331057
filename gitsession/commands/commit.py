"""`gitsession commit`: a commit of the user's own, on their branch."""

from __future__ import annotations

import click

from gitsession.commands.output import print_json, say
from gitsession.commands.target import find, json_option, session_option


@click.command(epilog='Example: gitsession commit -m "Fit the second model" --push')
@session_option
@click.option("-m", "--message", required=True, help="The commit's message.")
@click.option("--push", is_flag=True, help="Push the branch to origin afterwards.")
@json_option
def command(session: str | None, message: str, push: bool, as_json: bool) -> None:
    """Commit everything in the work tree on your own branch, as `git add --all` and `git commit` would."""
    commit = find(session).commit(message, push)
    if as_json:
        print_json({"commit": commit})
    else:
        say(f"committed {commit[:10]}{' and pushed it' if push else ''}")
