"""`gitsession allow`: let leave what is held."""

from __future__ import annotations

import click

from gitsession.commands.output import inert, print_json, say
from gitsession.commands.target import find, json_option, session_option


@click.command(epilog="Example: gitsession allow tests/fixtures/key.pem --once")
@click.argument("what", metavar="PATH|FINDING")
@click.option("--once", is_flag=True, help="Only with the content that it has now.")
@session_option
@json_option
def command(what: str, once: bool, session: str | None, as_json: bool) -> None:
    """Let a held file leave for the remote: a PATH, a pattern of paths, or a FINDING that `status` names.

    For good, unless --once is given. It is kept with the session and holds on the next machine too.
    """
    released = find(session).allow(what, once)
    if as_json:
        print_json({"released": list(released)})
        return
    for path in released:
        say(f"{inert(path)} goes out with the next save.")
    if not released:
        say(f"{inert(what)} is allowed; nothing of it is held now.")
