"""Building an agent from its configuration: the one place that knows all the parts."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from gitsession import credentials, run
from gitsession.agent.cells import Cells
from gitsession.agent.configuration import Configuration
from gitsession.agent.contents import MEMORY, Contents, Memory
from gitsession.agent.ending import Ending
from gitsession.agent.events import Events, Notifier
from gitsession.agent.holding import Holding
from gitsession.agent.large import Large
from gitsession.agent.log import Log
from gitsession.agent.marks import Marks
from gitsession.agent.parts import Parts
from gitsession.agent.permission import Permission
from gitsession.agent.places import Places
from gitsession.agent.portions import Portions
from gitsession.agent.reviewing import Reviewing
from gitsession.agent.saving import Saver
from gitsession.agent.service import Agent
from gitsession.agent.shipments import Shipments
from gitsession.agent.watch import Watcher
from gitsession.model import SessionName
from gitsession.replicas.base import Replica
from gitsession.replicas.guard import Guard
from gitsession.replicas.remote import Remote
from gitsession.replicas.vault import Vault
from gitsession.runtime import Cloud, Colab, detect
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.state import kept
from gitsession.snapshot.take import Limits, Snapshots
from gitsession.snapshot.user import discover

PREDECESSOR = 30.0  # seconds for the last flush of an agent whose keeper died


def compose(configuration: Configuration, places: Places, log: Log) -> Agent:
    """Build the agent of a session whose work tree is there.

    Raises:
        RepositoryError: The work tree is no repository any more.
        SessionError: Another process has the shadow repository open.
        FormatError: A newer gitsession wrote the local state.
    """
    user = discover(configuration.worktree)
    shadow = Shadow.open(places.shadow, user, journal=places.journal, patience=PREDECESSOR)
    woken = threading.Event()
    marks = Marks(woken.set)

    large = Large(user.work_tree, configuration.max_remote_size)
    reach = _credentials(configuration, places)
    replicas = _replicas(configuration, shadow, reach)
    contents = _contents(configuration, shadow, replicas)
    guard = Guard(
        shadow.repository, size_limit=configuration.max_file_size, workflows=configuration.workflows
    )
    permission = Permission(contents, guard)

    def snapshots_of(session: SessionName) -> Snapshots:
        limits = Limits(configuration.max_file_size, permission.may_be_large, permission.objection)
        return Snapshots(
            shadow,
            user,
            session=session,
            runtime=configuration.runtime,
            identity=configuration.author,
            limits=limits,
        )

    saver = Saver(user, shadow, snapshots_of(configuration.session), large, contents, permission)
    shipments = Shipments(configuration, user, shadow, guard, saver, Portions(shadow.repository))
    left_out = [places.root, *([Path(configuration.storage)] if configuration.storage else [])]
    parts = Parts(
        places,
        configuration,
        saver,
        snapshots_of,
        shipments,
        replicas,
        marks,
        Watcher(user, marks, left_out=left_out, report=lambda error: log.failure("watching ended", error)),
        log,
        Holding(contents, user.repository, _vault(configuration, shadow), lambda: saver.held, woken.set),
        lambda: _vault(configuration, shadow),
        _ending(configuration, woken.set, log),
        Cells(),
        isinstance(detect(os.environ), Colab),
        Events(log, Notifier(configuration.notify, configuration.session.name, log).post),
        reach,
        _reviewing(configuration, places, log),
    )
    return Agent(parts, woken)


def _ending(configuration: Configuration, wake: Callable[[], None], log: Log) -> Ending:
    runtime = detect(os.environ)
    notice = runtime.notice if isinstance(runtime, Cloud) else None
    return Ending(configuration.deadline, notice, wake=wake, log=log)


def _reviewing(configuration: Configuration, places: Places, log: Log) -> Reviewing:
    may_be_github = configuration.publish and configuration.address.is_https
    return Reviewing(places.pull_request, configuration.worktree, log, unnoted=may_be_github)


def _contents(configuration: Configuration, shadow: Shadow, replicas: Iterable[Replica]) -> Contents:
    """What is known of held and kept contents: by this machine, else by the newest state that left it."""
    place = shadow.directory / MEMORY
    memory = Memory.load(place)
    if memory is None:
        acknowledged = [ack for replica in replicas if (ack := replica.acknowledged()) is not None]
        newest = max(acknowledged, key=lambda ack: ack.number, default=None)
        memory = Memory(kept.read(shadow.repository, newest.state) if newest else kept.Keeping())
    keeping = memory.keeping.with_patterns(configuration.keep, configuration.lazy)
    return Contents(configuration.worktree, replace(memory, keeping=keeping), place)


def _vault(configuration: Configuration, shadow: Shadow) -> Vault | None:
    if configuration.storage is None:
        return None
    storage, session = Path(configuration.storage), configuration.session
    return Vault(storage, configuration.address, configuration.runtime, shadow.repository, session=session)


def _credentials(configuration: Configuration, places: Places) -> dict[str, str]:
    """The variables by which git reaches the remote: they name the keeper's credential helper."""
    addresses = [place for place in (configuration.address, configuration.fork) if place is not None]
    return credentials.configuration(addresses, places.keeper_socket, run.program(), environ={})


def _replicas(configuration: Configuration, shadow: Shadow, reach: Mapping[str, str]) -> tuple[Replica, ...]:
    vault = _vault(configuration, shadow)
    found: list[Replica] = [] if vault is None else [vault]
    if configuration.publish:
        target = configuration.fork or configuration.address
        found.append(
            Remote(
                shadow.repository,
                target,
                configuration.session,
                visible=configuration.visible,
                credentials=reach,
            )
        )
    return tuple(found)
