"""Going on where an earlier process of the session ended."""

from __future__ import annotations

import time

from gitsession.agent.risk import stored
from gitsession.agent.saving import changed_since
from gitsession.agent.taking import Taking
from gitsession.errors import GitsessionError
from gitsession.model import Snapshot


def recall(agent: Taking) -> None:
    """Learn what was saved and acknowledged before; once, before anybody asks."""
    for lane in agent.lanes:
        lane.acknowledged = lane.replica.acknowledged()
    saver = agent.parts.saver
    tip = saver.shadow.tip()
    if tip is None:
        return
    agent.newest = Snapshot(tip.number, tip.commit, time.time())
    _recall_packages(agent, tip.commit)
    agent.generation = 1
    best = stored(agent.lanes)
    if best is not None:
        _recall_times(agent, best.state)
    if best is None or best.snapshot != tip.commit:
        paths = changed_since(saver.shadow, best.snapshot if best else None, tip.commit)
        agent.risk.note(paths, tip.number)
    agent.find_risk()


def _recall_packages(agent: Taking, tip: str) -> None:
    try:
        agent.packages.recall(agent.parts.saver.shadow.repository, tip)
    except GitsessionError as error:
        agent.parts.log.failure("packages not recalled", error)


def _recall_times(agent: Taking, state: str) -> None:
    try:
        agent.parts.saver.recall_times(state)
    except GitsessionError as error:
        agent.parts.log.failure("times not recalled", error)
