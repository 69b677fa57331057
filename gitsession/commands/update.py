"""`gitsession update`: bring what is new on the base, the upstream or a template into the work tree."""

from __future__ import annotations

import dataclasses

import click

from gitsession.commands.output import inert, print_json, say
from gitsession.commands.target import find, json_option, session_option


@click.command(epilog="Example: gitsession update · gitsession update upstream/main")
@click.argument("source", required=False)
@session_option
@json_option
def command(source: str | None, session: str | None, as_json: bool) -> None:
    """Bring what is new on SOURCE into the work tree; by default the branch's upstream, else the base.

    SOURCE is a branch, or one of another remote: `git remote add template URL` makes `template/main` one.

    Where both sides changed the same lines, yours stay and the other file lies beside it as
    NAME.from-BASE. A file that you deleted comes back if it changed there. `gitsession restore` undoes it.
    """
    done = find(session).update(source)
    if as_json:
        print_json(dataclasses.asdict(done))
        return
    say(f"{len(done.changed)} files changed from {inert(done.source)} ({done.commit[:10]}).")
    for path in done.back:
        say(f"  came back  {inert(path)}")
    for path in done.beside:
        say(f"  yours stays, theirs is  {inert(path)}")
    if done.changed or done.beside:
        say(f"To undo it: gitsession restore --snapshot {done.before}")
