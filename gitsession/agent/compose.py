"""Building an agent from its configuration: the one place that knows all the parts."""

from __future__ import annotations

import threading
from pathlib import Path

from gitsession import credentials, run
from gitsession.agent.configuration import Configuration
from gitsession.agent.large import Large
from gitsession.agent.log import Log
from gitsession.agent.marks import Marks
from gitsession.agent.places import Places
from gitsession.agent.saving import Saver
from gitsession.agent.service import Agent, Parts
from gitsession.agent.shipments import Shipments
from gitsession.agent.watch import Watcher
from gitsession.model import SessionName
from gitsession.replicas.base import Replica
from gitsession.replicas.guard import Guard
from gitsession.replicas.remote import Remote
from gitsession.replicas.vault import Vault
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.take import Limits, Snapshots
from gitsession.snapshot.user import discover


def compose(configuration: Configuration, places: Places, log: Log) -> Agent:
    """Build the agent of a session whose work tree is there.

    Raises:
        RepositoryError: The work tree is no repository any more.
        SessionError: Another process has the shadow repository open.
        FormatError: A newer gitsession wrote the local state.
    """
    user = discover(configuration.worktree)
    shadow = Shadow.open(places.shadow, user, journal=places.journal)
    woken = threading.Event()
    marks = Marks(woken.set)

    def snapshots_of(session: SessionName) -> Snapshots:
        limits = Limits(configuration.max_file_size)
        return Snapshots(
            shadow,
            user,
            session=session,
            runtime=configuration.runtime,
            identity=configuration.author,
            limits=limits,
        )

    large = Large(user.work_tree, configuration.max_remote_size)
    saver = Saver(user, shadow, snapshots_of(configuration.session), large)
    shipments = Shipments(
        configuration,
        user,
        shadow,
        Guard(shadow.repository, size_limit=configuration.max_file_size),
        saver,
    )
    left_out = [places.root, *([Path(configuration.storage)] if configuration.storage else [])]
    parts = Parts(
        places,
        configuration,
        saver,
        snapshots_of,
        shipments,
        _replicas(configuration, places, shadow),
        marks,
        Watcher(user, marks, left_out=left_out, report=lambda error: log.failure("watching ended", error)),
        log,
    )
    return Agent(parts, woken)


def _replicas(configuration: Configuration, places: Places, shadow: Shadow) -> tuple[Replica, ...]:
    found: list[Replica] = []
    if configuration.storage is not None:
        found.append(
            Vault(
                Path(configuration.storage),
                configuration.address,
                configuration.runtime,
                shadow.repository,
                session=configuration.session,
            )
        )
    if configuration.publish:
        target = configuration.fork or configuration.address
        addresses = [place for place in (configuration.address, configuration.fork) if place is not None]
        variables = credentials.configuration(addresses, places.keeper_socket, run.program(), environ={})
        found.append(
            Remote(
                shadow.repository,
                target,
                configuration.session,
                visible=configuration.visible,
                credentials=variables,
            )
        )
    return tuple(found)
