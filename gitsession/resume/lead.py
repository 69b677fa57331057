"""Taking the lead of a resumed session, so that the runtime that led before is refused from now on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from gitsession.errors import GitsessionError, LeaseLost
from gitsession.model import SessionName
from gitsession.replicas.remote import Remote
from gitsession.resume.plan import Line, fork_name
from gitsession.snapshot import state
from gitsession.snapshot.shadow import Shadow


@dataclass(frozen=True)
class Lead:
    """The session as it is led from here on; a fork's name where the old one could not be had."""

    session: SessionName
    counter: int
    notes: tuple[str, ...] = ()


def take_lead(
    remote: Remote | None,
    line: Line,
    on_remote: Line | None,
    taken: Collection[SessionName],
    *,
    runtime: str,
    shadow: Shadow,
) -> Lead:
    """Move the state ref on by compare-and-swap.

    Args:
        remote: The remote, looking at this session; None where nothing is published.
        line: The copy that is continued.
        on_remote: The remote's copy, which the lease is taken from; None when it has none.
        taken: Names that a fork must not get.
        runtime: Who leads from now on.
        shadow: Holds the snapshot, and gets the new state commit of its user's repository.
    """
    counter = line.counter + 1
    if remote is None:
        return Lead(line.session, counter)
    captured = state.capture(
        shadow.user,
        shadow.repository,
        snapshot=line.snapshot,
        previous=line.state,
        lease=state.Lease(runtime, counter),
    )
    try:
        remote.take_lease(None if on_remote is None else on_remote.state, captured.oid)
    except LeaseLost as lost:
        fork = fork_name(line.session, taken)
        said = (
            f"{lost.what} What it held is continued as {fork.branch}; nothing on the remote was overwritten."
        )
        return _as_fork(replace(remote, session=fork), fork, captured.oid, said)
    except GitsessionError as error:
        return Lead(
            line.session, counter, (f"The lead is unconfirmed until the remote answers: {error.what}",)
        )
    return Lead(line.session, counter)


def _as_fork(remote: Remote, fork: SessionName, commit: str, said: str) -> Lead:
    try:
        remote.take_lease(None, commit)
    except GitsessionError as error:
        return Lead(fork, 1, (said, f"The lead is unconfirmed until the remote answers: {error.what}"))
    return Lead(fork, 1, (said,))
