"""`gitsession env`: the environment with which `git push` works in a shell, tmux or a notebook cell."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping

import click

from gitsession import credentials, run
from gitsession.agent.configuration import Configuration, load
from gitsession.commands.output import print_json
from gitsession.commands.target import find, json_option, session_option


def variables(configuration: Configuration, environ: Mapping[str, str]) -> dict[str, str]:
    """What has to be set in `environ` so that git asks this session's keeper; no secret is in it.

    Empty where git needs no token of ours: for a path, or over ssh.
    """
    places = [place for place in (configuration.address, configuration.fork) if place is not None]
    return credentials.configuration(
        places, configuration.places.keeper_socket, run.program(), environ=environ
    )


def export_lines(settings: Mapping[str, str]) -> str:
    """The settings as lines that any POSIX shell may evaluate."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in settings.items())


@click.command(epilog='Example: eval "$(gitsession env)" && git push')
@session_option
@json_option
def command(session: str | None, as_json: bool) -> None:
    """Print the settings with which git gets its token from the running session, as export lines.

    They hold no token: git asks the session for it, and only for this repository.
    """
    settings = variables(load(find(session).places), os.environ)
    if as_json:
        print_json(settings)
    elif settings:
        sys.stdout.buffer.write(os.fsencode(export_lines(settings)) + b"\n")  # exact: a shell evaluates it
        sys.stdout.flush()
