"""What of a review may leave: the guard looks at every new blob, and what it finds stays here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from gitsession.agent import control
from gitsession.agent.contents import MEMORY, Memory
from gitsession.git import commits, lookup, objects
from gitsession.model import Held
from gitsession.proposal.ground import Ground
from gitsession.replicas.guard import Allowed, Guard
from gitsession.status import Status

STATUS_TIMEOUT = 30.0
NAMED = 20
_ABSENT = frozenset("0")


@dataclass(frozen=True)
class Sifted:
    """A tree that may leave, and why the new content of other paths stays here, by path."""

    tree: str
    left_out: Mapping[str, str] = field(default_factory=dict)


def held(ground: Ground) -> tuple[Held, ...]:
    """What the session holds back, so that no snapshot has its new content.

    Raises:
        AgentError: The session does not answer.
    """
    told = control.ask(ground.places.agent_socket, "status", timeout=STATUS_TIMEOUT)["status"]
    return Status.from_json(told).held


def told(left_out: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence about each path that is not in the review, of many about the first."""
    items = list(left_out.items())
    notes = [f"{path} is not in the review: {reason}" for path, reason in items[:NAMED]]
    more = len(items) - NAMED
    return (*notes, *([f"{more} more are not in the review: see `gitsession status`."] if more > 0 else ()))


def guard_of(ground: Ground) -> Guard:
    """A guard that lets pass what the session's own does."""
    memory = Memory.load(ground.places.shadow / MEMORY) or Memory()
    allowed = Allowed.from_json({kind: list(items) for kind, items in memory.keeping.allowed.items()})
    return Guard(
        ground.repository,
        allowed,
        size_limit=ground.configuration.max_file_size,
        workflows=ground.configuration.workflows,
        salt=memory.keeping.salt or memory.salt,
    )


def sift(ground: Ground, guard: Guard, base: str, tree: str) -> Sifted:
    """The tree with the base's version of whatever may not leave; a new file of that kind is left out."""
    changed = objects.differences(ground.repository, base, tree)
    new = [(change.new, os.fsdecode(change.path)) for change in changed if not set(change.new) <= _ABSENT]
    findings = {finding.path: finding for finding in guard.check(new)}
    if not findings:
        return Sifted(tree)
    before = lookup.tree_files(ground.repository, base, *(f":(literal){path}" for path in findings))
    gone = (0, "0" * 40)
    kept = {path: (before[path][0], before[path][2]) if path in before else gone for path in findings}
    left_out = {path: found.reason for path, found in findings.items()}
    return Sifted(commits.with_files(ground.repository, tree, kept), left_out)
