"""What the session's editor is made of: its folder, its environment, its secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gitsession import credentials, run
from gitsession.address import Address
from gitsession.agent import control
from gitsession.agent.configuration import Configuration
from gitsession.agent.places import Places
from gitsession.editor.server import Layout
from gitsession.editor.supervise import Plan
from gitsession.editor.wanted import Wanted
from gitsession.files import temporary_name
from gitsession.git import own, plain
from gitsession.model import Identity
from gitsession.snapshot.user import UserRepository, discover

PROGRAM = "GITSESSION_PROGRAM"
AGENT_SOCKET = "GITSESSION_AGENT_SOCKET"


@dataclass(frozen=True)
class Secrets:
    """What the keeper holds for the editor; only in memory."""

    password: str = field(repr=False)
    tunnel_token: str = field(repr=False)
    tunnel_auth: str = field(repr=False)
    key: str = field(repr=False)


def secrets_of(places: Places) -> Secrets:
    """Ask the keeper.

    Raises:
        AgentError: It does not answer.
    """
    held = control.ask(places.keeper_socket, "secrets")
    names = ("password", "tunnel_token", "tunnel_auth", "editor_key")
    return Secrets(*(held.get(name) or "" for name in names))


def link_sockets(layout: Layout, places: Places) -> None:
    """Let the editor's folder lead to the session's sockets: its environment is older than the session."""
    for link, socket in (
        (keeper_link(layout), places.keeper_socket),
        (agent_link(layout), places.agent_socket),
    ):
        aside = temporary_name(link)
        aside.symlink_to(socket)
        aside.replace(link)


def keeper_link(layout: Layout) -> Path:
    """Leads to the socket of the keeper, which git's credential helper asks."""
    return layout.directory / "keeper.sock"


def agent_link(layout: Layout) -> Path:
    """Leads to the socket of the agent, which the extension asks."""
    return layout.directory / "agent.sock"


def plan_of(
    configuration: Configuration, layout: Layout, wanted: Wanted, secrets: Secrets, own: Sequence[str]
) -> Plan:
    """The editor's plan; `own` are extensions that come first, such as ours."""
    addresses = (configuration.address, configuration.fork)
    settings = git_settings(configuration.author, discover(configuration.worktree))
    return Plan(
        configuration.worktree,
        layout.directory,
        environment(addresses, layout, settings),
        trusted=wanted.trusted,
        port=wanted.port,
        password=secrets.password,
        extensions=(*own, *wanted.extensions),
        key=secrets.key,
    )


def environment(
    addresses: Iterable[Address | None], layout: Layout, more: Mapping[str, str]
) -> dict[str, str]:
    """The editor's environment and its terminals': git asks the keeper for the token, and knows its person.

    Args:
        addresses: The repository and the fork, if there is one.
        layout: The editor's folder.
        more: Further settings of git.
    """
    known = [place for place in addresses if place is not None]
    settings = credentials.configuration(known, keeper_link(layout), run.program(), environ={})
    count = int(settings.get("GIT_CONFIG_COUNT", "0"))
    for name, value in more.items():
        settings |= {f"GIT_CONFIG_KEY_{count}": name, f"GIT_CONFIG_VALUE_{count}": value}
        count += 1
    ours = {PROGRAM: json.dumps(run.program()), AGENT_SOCKET: str(agent_link(layout))}
    return {**run.clean_environment(), **settings, "GIT_CONFIG_COUNT": str(count), **ours}


def git_settings(author: Identity, user: UserRepository | None) -> Mapping[str, str]:
    """Settings of git for the editor where the person has made none, so that theirs always win.

    Args:
        author: Whom the session's snapshots name.
        user: The clone; where there is none yet, the person's settings for all repositories are asked.
    """
    git = own.own(user.git_dir, user.work_tree, {}).run if user else partial(plain, cwd=Path("/"))
    wanted = {
        "user.name": author.name,
        "user.email": author.email,
        "pull.rebase": "false",  # else git refuses to pull beside own commits, and VS Code shows no reason
    }
    asked = "|".join(map(re.escape, wanted))
    done = git("config", "-z", "--name-only", "--get-regexp", f"^({asked})$", accept=(0, 1))
    theirs = done.stdout.decode().split("\0")
    return {name: value for name, value in wanted.items() if name not in theirs}
