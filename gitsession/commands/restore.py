"""`gitsession restore`: files as they were in a snapshot; what is there now is saved first."""

from __future__ import annotations

import click

from gitsession.commands.output import inert, print_json, say
from gitsession.commands.target import find, json_option, session_option
from gitsession.errors import UsageError


@click.command(epilog='Example: gitsession restore train.py --at "10 minutes ago"')
@click.argument("path", required=False)
@session_option
@click.option("--at", metavar="TIME", help='When, such as "10 minutes ago" or 2026-11-22T21:30.')
@click.option("--snapshot", type=click.IntRange(1), help="The snapshot's number, from `gitsession log`.")
@click.option("--all", "everything", is_flag=True, help="The whole work tree instead of one PATH.")
@json_option
def command(
    path: str | None,
    session: str | None,
    at: str | None,
    snapshot: int | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Bring back PATH, relative to the work tree, as it was; by default from the snapshot before the last.

    What is there now becomes a snapshot first, so that a restore can be undone by another one.
    """
    if (path is None) is not everything:
        raise UsageError(
            "Name one PATH, or --all for the whole work tree.", hint="See `gitsession restore --help`."
        )
    if at is not None and snapshot is not None:
        raise UsageError(
            "--at and --snapshot exclude each other.", hint="See `gitsession log` for the numbers."
        )
    changed = find(session).restore(path, at if snapshot is None else snapshot)
    if as_json:
        print_json({"changed": list(changed)})
        return
    for name in changed:
        say(inert(name))
    say(f"{len(changed)} restored" if changed else "Nothing differs from that snapshot.")
