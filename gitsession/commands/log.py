"""`gitsession log`: the session's snapshots as a timeline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from gitsession.commands.output import human_age, human_size, print_json, table
from gitsession.commands.target import find, json_option, session_option
from gitsession.model import Snapshot
from gitsession.wording import human_span

COLUMNS = ("snapshot", "when", "what", "ran", "size", "commit")
LAYOUT = {"whole": ("when", "size", "commit"), "spare": ("commit", "size", "when")}


def what_ran(ran: Mapping[str, Any] | None) -> str:
    """`cell 12 · 3 s · Tesla T4`, `cell 12: ValueError`, `during cell 12`, `make: exit 1 · 2 min`, or empty.

    The record came from a commit that anybody may have written, so nothing in it is taken for granted.
    """
    if ran is None:
        return ""
    if "command" in ran:
        name, bad = str(ran["command"]), f"exit {ran['exit']}" if ran.get("exit") else ""
    elif "cell" in ran:
        name = f"during cell {ran['cell']}" if ran.get("running") else f"cell {ran['cell']}"
        bad = str(ran.get("error") or "")
    else:
        return ""
    seconds = ran.get("seconds")
    lasted = f" · {human_span(seconds)}" if isinstance(seconds, int | float) and seconds >= 1 else ""
    gpu = f" · {ran['gpu']}" if ran.get("gpu") else ""
    return f"{name}{f': {bad}' if bad else ''}{lasted}{gpu}"


def row(snapshot: Snapshot, now: float) -> tuple[object, ...]:
    """One line of the timeline."""
    held = f", {snapshot.held} held" if snapshot.held else ""
    return (
        snapshot.number,
        human_age(now - snapshot.at),
        snapshot.subject,
        what_ran(snapshot.ran),
        f"{human_size(snapshot.size)}{held}",
        snapshot.commit[:10],
    )


@click.command(epilog="Example: gitsession log --limit 5")
@session_option
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many, newest first."
)
@json_option
def command(session: str | None, limit: int, as_json: bool) -> None:
    """Show the newest snapshots: number, age, what changed, what ran before, and how much is new."""
    found = find(session).snapshots(limit)
    if as_json:
        print_json([asdict(snapshot) for snapshot in found])
        return
    now = time.time()
    table(COLUMNS, [row(snapshot, now) for snapshot in found], **LAYOUT)
