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
from gitsession.resume.account import is_github
from gitsession.resume.ground import Ground, survey_remote
from gitsession.resume.merged import NewestPull, newest_pull
from gitsession.resume.running import known
from gitsession.runtime import detect


@dataclass(frozen=True)
class Visit:
    """A repository that is looked at.

    Args:
        ground: The repository and its storage.
        token: What it is reached with.
        login: Whose token it is; None while GitHub cannot say.
        pull: The newest pull request of a session.
        running: The sessions that an agent on this machine leads.
    """

    ground: Ground
    token: credentials.Token | None
    login: str | None
    pull: NewestPull
    running: frozenset[SessionName]


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
    login, target = _told(ground.address, held)
    running = frozenset(
        configuration.session
        for places, configuration in known()
        if configuration.address.key == ground.address.key and places.is_running()
    )
    pull = newest_pull(target, ground.address.owner, held, os.environ)
    return Visit(ground, held, login, pull, running)


def _told(address: Address, token: credentials.Token | None) -> tuple[str | None, Address]:
    """The token's login, and the repository that pull requests go into: that of a fork is its parent."""
    if token is None or not is_github(address, os.environ):
        return None, address
    from gitsession.hub import Hub, api_url

    hub = Hub(lambda: token, api_url(address.host, os.environ))
    try:
        login, found = hub.user().login, hub.find_repository(address)
    except HubError:
        return None, address
    if found is None or found.parent is None:
        return login, address
    owner, _, name = found.parent.partition("/")
    server = address.url.removesuffix(f"/{address.slug}")
    return login, replace(address, url=f"{server}/{found.parent}", owner=owner, name=name)
