"""The sessions of this machine: which are known, and which of them run."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from gitsession.agent import control
from gitsession.agent.configuration import Configuration, load
from gitsession.agent.places import Places, all_places
from gitsession.errors import AgentError, FormatError, SessionError

if TYPE_CHECKING:
    from pathlib import Path

    from gitsession.address import Address
    from gitsession.model import SessionName

PING_TIMEOUT = 5.0
SETTLE_TIMEOUT = 600.0


def known() -> list[tuple[Places, Configuration]]:
    """Every session of this machine whose configuration can be read, running or not."""
    found = []
    for places in all_places():
        with suppress(FormatError):
            found.append((places, load(places)))
    return found


def is_running(places: Places) -> bool:
    """Whether the session's agent answers and is its keeper's: one that lost its keeper is about to end."""
    if not places.agent_socket.exists():
        return False
    try:
        agent = control.ask(places.agent_socket, "ping", timeout=PING_TIMEOUT)["pid"]
        return bool(control.ask(places.keeper_socket, "ping", timeout=PING_TIMEOUT)["agent"] == agent)
    except AgentError:
        return False


def attachable(worktree: Path, name: str | None) -> Places | None:
    """The session that runs in a work tree, None when none does.

    Raises:
        SessionError: It is another one than the one asked for.
    """
    for places, configuration in known():
        if configuration.worktree == worktree and is_running(places):
            if name not in (None, configuration.session.name, str(configuration.session)):
                raise SessionError(
                    f"The session {configuration.session.name} is running in {worktree}.",
                    safe="It goes on.",
                    hint="Close it first, or name another directory with --workdir.",
                )
            return places
    return None


def storage_used(address: Address, worktree: Path | None) -> str | None:
    """The vault that this machine's latest session of a repository, or in a work tree, was opened with."""
    latest, storage = 0, None
    for places, configuration in known():
        if configuration.address.key != address.key and configuration.worktree != worktree:
            continue
        with suppress(FileNotFoundError):  # it was pruned just now
            opened = places.configuration.stat().st_mtime_ns
            latest, storage = max((latest, storage), (opened, configuration.storage), key=lambda one: one[0])
    return storage


def running_elsewhere(address: Address) -> frozenset[SessionName]:
    """A repository's sessions that agents on this machine lead."""
    return frozenset(
        configuration.session
        for places, configuration in known()
        if configuration.address.key == address.key and is_running(places)
    )


def await_editor(places: Places) -> tuple[str, ...]:
    """Wait until the session's editor answers or has failed; answers with what the person should know."""
    try:
        said = control.ask(
            places.agent_socket, "editor", timeout=SETTLE_TIMEOUT + 10.0, seconds=SETTLE_TIMEOUT
        )
    except AgentError as error:
        return (f"There is no editor: {error}",)
    if said["failure"]:
        return (f"There is no editor: {said['failure']}",)
    return () if said["settled"] else ("The editor is not up yet; `gitsession status` will say when it is.",)
