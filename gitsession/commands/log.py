"""`gitsession log`: the session's snapshots as a timeline."""

from __future__ import annotations

import time

import click

from gitsession.commands.output import human_age, print_json, table
from gitsession.commands.target import find, json_option, session_option


@click.command(epilog="Example: gitsession log --limit 5")
@session_option
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many, newest first."
)
@json_option
def command(session: str | None, limit: int, as_json: bool) -> None:
    """Show the newest snapshots: number, age, and what changed."""
    found = find(session).snapshots(limit)
    if as_json:
        fields = ("number", "commit", "at", "subject")
        print_json([{name: getattr(snapshot, name) for name in fields} for snapshot in found])
        return
    now = time.time()
    rows = [
        (snapshot.number, human_age(now - snapshot.at), snapshot.subject, snapshot.commit[:10])
        for snapshot in found
    ]
    table(("snapshot", "when", "what", "commit"), rows)
