"""Which running session a command means: the one named, the one we stand in, or the only one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from gitsession.agent.configuration import Configuration
from gitsession.agent.places import Places
from gitsession.errors import SessionError
from gitsession.resume.running import is_running, known
from gitsession.session import Session

RESTART = 5.0  # seconds that a crashed agent has to come back, at the first crash mostly one
PAUSE = 0.1
Decorated = TypeVar("Decorated", bound=Callable[..., object])
Known = tuple[Places, Configuration]


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
        SessionError: None runs, several do and nothing says which, or one is being started again.
    """
    asked = [entry for entry in known() if name in (None, entry[1].session.name)]
    running = [entry for entry in asked if is_running(entry[0])] or _coming_back(asked)
    inside = [entry for entry in running if _stands_in(here or Path.cwd(), entry[1].worktree)]
    chosen = inside if len(running) > 1 else running
    if len(chosen) == 1:
        return Session(chosen[0][0], resumed=True)
    raise _unclear(name, [configuration for _, configuration in running])


def _coming_back(sessions: list[Known]) -> list[Known]:
    """The sessions whose keeper restarts an agent that crashed, once it answers.

    Raises:
        SessionError: It does not within `RESTART`.
    """
    waiting = [entry for entry in sessions if entry[0].is_running()]
    deadline = time.monotonic() + RESTART
    while waiting and time.monotonic() < deadline:
        back = [entry for entry in waiting if is_running(entry[0])]
        if back:
            return back
        waiting = [entry for entry in waiting if entry[0].is_running()]
        time.sleep(PAUSE)
    if waiting:
        places, configuration = waiting[0]
        raise SessionError(
            f"What saves the session {configuration.session.name} crashed and is being started again.",
            safe="Every snapshot is safe on this disk; what changed since is saved as soon as it is back.",
            hint=f"Try again in a minute. If it does not come back, {places.log} tells why.",
        )
    return []


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
