"""`gitsession run -- CMD`: run a command, and record beside the work how it went."""

from __future__ import annotations

import json
import os
import shlex
import time
from dataclasses import asdict, dataclass

import click

from gitsession import run
from gitsession.commands.output import note, print_json
from gitsession.commands.target import find, json_option, session_option
from gitsession.errors import GitsessionError, UsageError
from gitsession.runtime.gpu import gpu


@dataclass(frozen=True)
class Ran:
    """How a command went: seconds are wall-clock; `gpu` is empty where there is none."""

    command: str
    exit: int
    seconds: float
    gpu: str


def run_command(argv: tuple[str, ...]) -> Ran:
    """Run a command on this terminal.

    Raises:
        UsageError: There is no such program.
    """
    began = time.monotonic()
    try:
        code = run.foreground(argv, env=os.environ)
    except (FileNotFoundError, PermissionError) as error:
        raise UsageError(
            f"{argv[0]!r} cannot be run: {error.strerror}.", hint="Check its name and PATH."
        ) from None
    return Ran(shlex.join(argv), code, round(time.monotonic() - began, 3), gpu())


@click.command(
    epilog="Example: gitsession run -- python train.py --epochs 3",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@session_option
@json_option
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED)
def command(session: str | None, as_json: bool, argv: tuple[str, ...]) -> int:
    """Run a command; the next snapshot records it with its exit code, duration and GPU.

    Ends with the command's own exit code.
    """
    handle = find(session)
    ran = run_command(argv)
    try:
        handle.note_ran(json.dumps(asdict(ran)))
    except GitsessionError as error:
        note(f"gitsession: the run was not recorded. {error}")
    if as_json:
        print_json(asdict(ran))
    return ran.exit
