"""What the session's editor is made of: its folder, its environment, its secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gitsession import credentials, run
from gitsession.agent import control
from gitsession.agent.configuration import Configuration
from gitsession.agent.places import Places
from gitsession.editor.supervise import Plan
from gitsession.editor.wanted import Wanted
from gitsession.git import own
from gitsession.snapshot.user import discover

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


def environment(configuration: Configuration, places: Places) -> dict[str, str]:
    """The editor's environment and its terminals': git asks the keeper for the token, and knows its person.

    What they have set themselves, their name, their e-mail or how they pull, always wins.
    """
    addresses = [place for place in (configuration.address, configuration.fork) if place is not None]
    settings = credentials.configuration(addresses, places.keeper_socket, run.program(), environ={})
    count = int(settings.get("GIT_CONFIG_COUNT", "0"))
    for name, value in _unless_set(configuration).items():
        settings |= {f"GIT_CONFIG_KEY_{count}": name, f"GIT_CONFIG_VALUE_{count}": value}
        count += 1
    ours = {PROGRAM: json.dumps(run.program()), AGENT_SOCKET: str(places.agent_socket)}
    return {**run.clean_environment(), **settings, "GIT_CONFIG_COUNT": str(count), **ours}


def _unless_set(configuration: Configuration) -> Mapping[str, str]:
    user = discover(configuration.worktree)
    theirs = own.own(user.git_dir, user.work_tree, {})
    wanted = {
        "user.name": configuration.author.name,
        "user.email": configuration.author.email,
        "pull.rebase": "false",  # else git refuses to pull beside own commits, and VS Code shows no reason
    }
    return {
        name: value
        for name, value in wanted.items()
        if theirs.run("config", "--get", name, accept=(0, 1)).code == 1
    }


def plan_of(
    configuration: Configuration, places: Places, wanted: Wanted, secrets: Secrets, own: Sequence[str]
) -> Plan:
    """The editor's plan; `own` are extensions that come first, such as ours."""
    return Plan(
        configuration.worktree,
        places.editor,
        environment(configuration, places),
        trusted=wanted.trusted,
        port=wanted.port,
        password=secrets.password,
        extensions=(*own, *wanted.extensions),
        key=secrets.key,
    )
