"""A repository as commands see it that need no work tree: its address, its login, its pull requests."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gitsession import credentials
from gitsession.address import Address
from gitsession.errors import HubError
from gitsession.model import SessionName
from gitsession.resume.account import is_github, renamed
from gitsession.resume.ground import Ground, survey_remote
from gitsession.resume.merged import NewestPull, newest_pull
from gitsession.resume.running import known
from gitsession.runtime import detect

if TYPE_CHECKING:
    from gitsession.hub import Repository


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
    told = _told(ground.address, held)
    ground = replace(ground, address=told.address, fork=told.fork)
    own = [each for each in known() if each[1].address.key == ground.address.key]
    running = frozenset(configuration.session for places, configuration in own if places.is_running())
    here = frozenset(configuration.runtime for _, configuration in own)
    pull = newest_pull(told.into, (ground.fork or ground.address).owner, held, os.environ)
    return Visit(ground, held, told.login, pull, running, here)


@dataclass(frozen=True)
class _Told:
    """What GitHub tells.

    Args:
        login: Whose token it is.
        address: The repository, of a template the person's copy where there is one.
        into: The repository that pull requests go into, which of a fork is its parent.
        fork: The person's fork, where sessions live because the repository may not be pushed to.
    """

    login: str | None
    address: Address
    into: Address
    fork: Address | None = None


def _told(address: Address, token: credentials.Token | None) -> _Told:
    if token is None or not is_github(address, os.environ):
        return _Told(None, address, address)
    from gitsession.hub import Hub, api_url

    hub = Hub(lambda: token, api_url(address.host, os.environ))
    try:
        login, found = hub.user().login, hub.find_repository(address)
        if found is None or found.can_push:
            return _Told(login, address, _into(address, found))
        if found.template and (copy := hub.own_copy(found.full_name, address.name)) is not None:
            address = renamed(address, copy.full_name)
            return _Told(login, address, address)
        fork = hub.own_fork(found.full_name)
    except HubError:
        return _Told(None, address, address)
    own = None if fork is None else renamed(address, fork.full_name)
    return _Told(login, address, _into(address, found), own)


def _into(address: Address, found: Repository | None) -> Address:
    return address if found is None or found.parent is None else renamed(address, found.parent)
