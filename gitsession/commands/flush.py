"""`gitsession flush`: save and ship everything now, and say how far it got."""

from __future__ import annotations

import click

from gitsession.commands.output import print_json, say
from gitsession.commands.status import headline
from gitsession.commands.target import find, json_option, session_option
from gitsession.model import parse_duration


@click.command(epilog="Example: gitsession flush --timeout 30 --level safe && echo may close the lid")
@session_option
@click.option(
    "--timeout", default="60s", show_default=True, metavar="TIME", help="How long to wait, such as 90s or 5m."
)
@click.option("--level", type=click.Choice(["local", "stored", "safe"]), help="What everything must reach.")
@json_option
def command(session: str | None, timeout: str, level: str | None, as_json: bool) -> None:
    """Save and ship everything at once, past every interval.

    Ends with 0 when everything has the level, else with 3 and what is missing. Without --level: when every
    place that answers has the newest of everything.
    """
    seconds = float(timeout) if timeout.replace(".", "", 1).isdigit() else parse_duration(timeout)
    status = find(session).flush(seconds, level)
    if as_json:
        print_json(status.to_json())
    else:
        say(headline(status))
