"""What `status` says: words no stronger than what was checked."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from gitsession.agent.contents import Contents
from gitsession.agent.decide import sweep_interval
from gitsession.agent.editor import SessionEditor
from gitsession.agent.service import Agent
from gitsession.git import lfs
from gitsession.model import Level
from gitsession.snapshot.lfs import HELD
from gitsession.status import Status

NAMED = 3
NO_LFS = (
    "git-lfs is not installed here, so new contents of Git LFS files go to the vault only; a review leaves "
    "them out. Install it (`apt-get install git-lfs`), before you commit such a file too."
)


def status(
    agent: Agent, unsaved: Collection[str] = (), editor: SessionEditor | None = None
) -> dict[str, Any]:
    """The status document; answered from any thread, in a few milliseconds, whatever the agent is doing.

    Args:
        agent: Whose status it is.
        unsaved: What has been typed in the editor and is in no file yet, by path or title.
    """
    marked = agent.parts.marks.look()
    configuration, snapshots = agent.configuration, agent.parts.saver.snapshots
    newest = agent.newest
    at_risk = tuple(sorted({*agent.risk.paths, *marked.paths, *unsaved}))
    shown = Status(
        session=configuration.session.name,
        repo=str(configuration.address),
        branch=configuration.session.branch if configuration.visible and configuration.publish else None,
        worktree=configuration.worktree,
        state=_state(agent, dirty=bool(marked)),
        snapshot=newest,
        replicas=tuple(lane.status(newest.number if newest else 0, agent.generation) for lane in agent.lanes),
        at_risk=at_risk,
        held=agent.parts.saver.held,
        skipped=snapshots.skipped,
        notes=(*notes(agent), *(editor.notes() if editor else ())),
        deadline=agent.parts.ending.deadline,
        editor=editor.status() if editor else None,
        agent_pid=os.getpid(),
        agent_pss=proportional_memory(),
        extra={
            "kept": _kept(agent.parts.saver.contents),
            "packages": list(agent.packages.wanted()),
            "unsaved": sorted(unsaved),
            "events": agent.parts.events.to_json(),
            "places": configuration.place_names,
            "storage": configuration.storage,
            "review": agent.parts.reviewing.told(),
            "token_refused": "token" in agent.notices.notes,
        },
    )
    return shown.to_json()


def _kept(contents: Contents) -> dict[str, Any]:
    """The ignored files that are kept: how many, how much, what waits, and what is only in the vault."""
    files = contents.kept()
    return {
        "files": len(files),
        "size": sum(file.size for file in files),
        "waiting": sum(file.level < Level.STORED for file in files),
        "awaited": [{"path": file.path, "size": file.size} for file in contents.awaited],
    }


def _state(agent: Agent, *, dirty: bool) -> str:
    if agent.closing:
        return "closing"
    if dirty or agent.taking:
        return "saving"
    levels = [lane.level(agent.generation) for lane in agent.lanes]
    if agent.risk.paths or agent.newest is None:
        return str(Level.LOCAL)
    return str(max(levels, default=Level.LOCAL))


def notes(agent: Agent) -> list[str]:
    """What the person should know, one sentence or two each."""
    found = list(agent.notices.notes.values())
    watcher = agent.parts.watcher
    if not watcher.watching:
        seconds = sweep_interval(agent.facts)
        found.append(
            f"Not every change is seen at once: {watcher.trouble}. A sweep looks every {seconds:.0f} s."
        )
    now = time.monotonic()
    for lane in agent.lanes:
        if lane.name == "remote" and lane.is_unconfirmed(now):
            found.append(
                "The remote does not answer: whether this runtime still leads the session is unconfirmed."
            )
        if lane.active > 1:
            found.append(
                f"{lane.active} sessions of this repository are active, so each is pushed at most every "
                f"{lane.interval:.0f} s: GitHub advises six pushes a minute. A flush goes at once."
            )
    holding = agent.parts.holding
    found += [progress for progress in (holding.progress, agent.completing.progress) if progress]
    if holding.error:
        found.append(f"Held and kept files wait: {holding.error}")
    if any(item.reason == HELD for item in agent.parts.saver.held) and not lfs.is_there():
        found.append(NO_LFS)
    left_out = agent.parts.shipments.left_out
    if left_out:
        more = f" and {len(left_out) - NAMED} more" if len(left_out) > NAMED else ""
        named = ", ".join(left_out[:NAMED]) + more
        found.append(f"What may not leave is left out of the published git state: {named}.")
    forks = [fork for lane in agent.lanes for fork in lane.forks]
    if forks:
        named = ", ".join(fork.name for fork in forks)
        found.append(f"Another runtime went on apart from this session, as {named}: see `gitsession list`.")
    if not agent.lanes:
        found.append("There is neither a vault nor a remote: everything is only on this machine.")
    return found


def proportional_memory() -> int:
    """This process's proportional set size in bytes, 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
