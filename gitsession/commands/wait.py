"""`gitsession wait`: stay busy, honestly and visibly, until the given work ends."""

from __future__ import annotations

import click

from gitsession.commands.output import print_json
from gitsession.commands.target import find, json_option, session_option
from gitsession.errors import UsageError


@click.command(
    epilog="Example: gitsession wait -- python train.py",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@session_option
@click.option("--pid", type=click.IntRange(min=1), help="A process to wait for, instead of a command.")
@json_option
@click.argument("argv", nargs=-1, type=click.UNPROCESSED)
def command(session: str | None, pid: int | None, as_json: bool, argv: tuple[str, ...]) -> int:
    """Wait for a process, or run a command, with the state of saving in one line that stays current.

    Ends with the command's own exit code; for a process that is not ours, with 0.
    """
    if (pid is None) == (not argv):
        raise UsageError(
            "Say what to wait for: --pid, or a command after --.",
            hint="Write `gitsession wait --pid 1234`, or `gitsession wait -- make`.",
        )
    code = find(session).wait(pid=pid, command=argv or None)
    if as_json:
        print_json({"exit": code})
    return code
