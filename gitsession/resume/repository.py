"""A repository as commands see it that need no work tree: its address, its login, its pull requests."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gitsession import credentials
from gitsession.address import Address
from gitsession.errors import HubError
from gitsession.model import SessionName
from gitsession.resume.account import is_github, renamed
from gitsession.resume.ground import Ground, survey_remote
from gitsession.resume.merged import NewestPull, newest_pull
from gitsession.resume.running import known
from gitsession.runtime import detect


@dataclass(frozen=True)
class Visit:
    """A repository that is looked at.

    Args:
        ground: The repository, its storage, and the person's fork where sessions live in it.
        token: What it is reached with.
        login: Whose token it is; None while GitHub cannot say.
        pull: The newest pull request of a session.
        running: The sessions that an agent on this machine leads.
        here: The ids of this machine's lives, this one and earlier ones.
    """

    ground: Ground
    token: credentials.Token | None
    login: str | None
    pull: NewestPull
    running: frozenset[SessionName]
    here: frozenset[str]


def visit(repo: str, storage: str | Path | Literal[False] | None = None, token: str | None = None) -> Visit:
    """Find out what there is to know of a repository without reading it.

    Args:
        repo: As in `open`.
        storage: As in `open`.
        token: As in `open`.

    Raises:
        GitsessionError: It is none, or the storage cannot be had.
    """
    ground = survey_remote(repo, storage, runtime=detect(os.environ), environ=os.environ)
    held = credentials.find_token(token, None, ground.address.host, os.environ)
    login, target, fork = _told(ground.address, held)
    own = [each for each in known() if each[1].address.key == ground.address.key]
    running = frozenset(configuration.session for places, configuration in own if places.is_running())
    here = frozenset(configuration.runtime for _, configuration in own)
    pull = newest_pull(target, (fork or ground.address).owner, held, os.environ)
    return Visit(replace(ground, fork=fork), held, login, pull, running, here)


def _told(address: Address, token: credentials.Token | None) -> tuple[str | None, Address, Address | None]:
    """The token's login; the repository that pull requests go into, which of a fork is its parent; the
    person's fork, where sessions live because the repository may not be pushed to."""
    if token is None or not is_github(address, os.environ):
        return None, address, None
    from gitsession.hub import Hub, api_url

    hub = Hub(lambda: token, api_url(address.host, os.environ))
    try:
        login, found = hub.user().login, hub.find_repository(address)
        fork = hub.own_fork(found.full_name) if found is not None and not found.can_push else None
    except HubError:
        return None, address, None
    parent = found.parent if found is not None else None
    into = address if parent is None else renamed(address, parent)
    return login, into, renamed(address, fork.full_name) if fork is not None else None
