"""What an agent is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitsession.agent.cells import Cells
from gitsession.agent.configuration import Configuration
from gitsession.agent.ending import Ending
from gitsession.agent.events import Events
from gitsession.agent.holding import Holding
from gitsession.agent.log import Log
from gitsession.agent.marks import Marks
from gitsession.agent.places import Places
from gitsession.agent.reviewing import Reviewing
from gitsession.agent.saving import Saver
from gitsession.agent.shipments import Shipments
from gitsession.agent.watch import Watcher
from gitsession.model import SessionName
from gitsession.replicas.base import Replica
from gitsession.replicas.vault import Vault
from gitsession.snapshot.take import Snapshots


@dataclass
class Parts:
    """What an agent is made of; `compose` builds it."""

    places: Places
    configuration: Configuration
    saver: Saver
    snapshots_of: Callable[[SessionName], Snapshots]
    shipments: Shipments
    replicas: tuple[Replica, ...]
    marks: Marks
    watcher: Watcher
    log: Log
    holding: Holding
    vault: Callable[[], Vault | None]
    ending: Ending
    cells: Cells
    ends_when_idle: bool
    """The platform ends a machine on which no cell runs."""
    events: Events
    credentials: Mapping[str, str]
    reviewing: Reviewing
