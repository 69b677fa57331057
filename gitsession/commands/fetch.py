"""`gitsession fetch`: bring back kept files that were left in the vault."""

from __future__ import annotations

import click

from gitsession.commands.output import inert, print_json, say
from gitsession.commands.target import find, json_option, session_option


@click.command(epilog="Example: gitsession fetch 'checkpoints/**'")
@click.argument("pattern")
@session_option
@json_option
def command(pattern: str, session: str | None, as_json: bool) -> None:
    """Bring back the files that PATTERN means and that the vault keeps, such as those of `open --lazy`.

    A file that stands in the place of one is left alone; the one from the vault lies beside it then.
    """
    paths = find(session).fetch(pattern)
    if as_json:
        print_json({"paths": list(paths)})
        return
    for path in paths:
        say(inert(path))
