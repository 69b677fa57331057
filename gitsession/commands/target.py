"""Which running session a command means: the one named, the one we stand in, or the only one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from gitsession.agent.configuration import Configuration
from gitsession.errors import SessionError
from gitsession.resume.running import is_running, known
from gitsession.session import Session

Decorated = TypeVar("Decorated", bound=Callable[..., object])


def session_option(function: Decorated) -> Decorated:
    """`--session NAME`, for commands about a running session."""
    return click.option("--session", metavar="NAME", help="The session, where several run here.")(function)


def json_option(function: Decorated) -> Decorated:
    """`--json`, which every command takes."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document for programs.")(
        function
    )


def find(name: str | None, *, here: Path | None = None) -> Session:
    """The handle of the session that a command means.

    Args:
        name: What `--session` said.
        here: The directory that the command was called in.

    Raises:
        SessionError: None runs, or several and nothing says which.
    """
    running = [(places, configuration) for places, configuration in known() if is_running(places)]
    if name is not None:
        running = [entry for entry in running if entry[1].session.name == name]
    inside = [entry for entry in running if _stands_in(here or Path.cwd(), entry[1].worktree)]
    chosen = inside if len(running) > 1 else running
    if len(chosen) == 1:
        return Session(chosen[0][0], resumed=True)
    raise _unclear(name, [configuration for _, configuration in running])


def _stands_in(here: Path, worktree: Path) -> bool:
    return here.resolve().is_relative_to(worktree.resolve())


def _unclear(name: str | None, running: list[Configuration]) -> SessionError:
    if not running:
        what = (
            "No session is running here." if name is None else f"No session named {name!r} is running here."
        )
        return SessionError(what, hint="Start or resume one with `gitsession open user/repo`.")
    names = ", ".join(sorted(configuration.session.name for configuration in running))
    return SessionError(
        f"Several sessions are running here: {names}.",
        hint="Name one with --session, or stand in its work tree.",
    )
