"""Letting leave what the guard, or the remote, holds back."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gitsession.agent.saving import Saver
from gitsession.agent.shipments import Shipments
from gitsession.errors import SessionError
from gitsession.git import objects
from gitsession.replicas.guard import UNCHECKED
from gitsession.snapshot.patterns import check, matcher


def allow(saver: Saver, shipments: Shipments, what: str, *, once: bool) -> tuple[str, ...]:
    """Let a path, a pattern of paths or a finding leave; on the agent's main thread only.

    Args:
        saver: Knows what is held.
        shipments: Knows what is left out of published states.
        what: A finding's name as the status shows it, or a path.
        once: Only with the content that it has now.

    Returns:
        The held paths that go on with the next snapshot.

    Raises:
        UsageError: The path is malformed.
        SessionError: With `once`, where nothing of it is held.
    """
    names = {name for item in saver.held for name in item.finding.split()}
    by_name = what in names or bool(shipments.withheld(lambda left: what in left.findings))
    is_meant = matcher([] if by_name else [check(what)])
    free = saver.release(lambda path, caught: what in caught.findings or is_meant(path))
    large = [item.path for item in saver.held if item.path not in free and is_meant(item.path)]
    oids = frozenset(oid for caught in free.values() for oid in caught.oids)
    oids |= shipments.withheld(lambda left: what in left.findings or bool(left.path and is_meant(left.path)))
    if once:
        _allow_once(saver, shipments, what, large, oids)
    elif by_name:
        saver.permission.allow(findings=[what])
    else:
        saver.permission.allow(paths=[what, f"{what.rstrip('/')}/*"])
    shipments.release(oids)
    return (*free, *large)


def _allow_once(
    saver: Saver, shipments: Shipments, what: str, large: Sequence[str], oids: Collection[str]
) -> None:
    if not large and not oids:
        raise SessionError(f"Nothing of {what} is held.", hint="`gitsession status` names what is and why.")
    for path in large:
        saver.permission.allow_as_it_is(path)
    saver.permission.allow(once=[*oids, *objects.oids_of_files(shipments.user.repository, large)])


def unchecked(saver: Saver, shipments: Shipments) -> list[str]:
    """Let the paths that could not be checked go to the guard once more; the last attempt holds them."""
    found = saver.release(lambda _path, caught: caught.reason == UNCHECKED)
    if found:
        shipments.release(shipments.withheld(lambda left: left.path in found))
    return list(found)
