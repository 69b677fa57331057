"""Taking the lead of a resumed session, so that the runtime that led before is refused from now on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gitsession.errors import GitsessionError, LeaseLost
from gitsession.model import SessionName
from gitsession.replicas.lease import fork_name
from gitsession.replicas.remote import Remote
from gitsession.resume.plan import Line
from gitsession.snapshot import state
from gitsession.snapshot.shadow import Shadow


@dataclass(frozen=True)
class Lead:
    """The session as it is led from here on; a fork's name where the old one could not be had."""

    session: SessionName
    counter: int
    notes: tuple[str, ...] = ()
    published: str = ""


def take_lead(
    remote: Remote | None,
    session: SessionName,
    copies: Collection[Line],
    onto: str,
    taken: Collection[SessionName],
    *,
    runtime: str,
    shadow: Shadow,
    answered: bool,
) -> Lead:
    """Move the remote's state ref on by compare-and-swap; nothing else of the session leaves by this.

    What is newer here than there is for the agent to push, after the guard has looked at it. So is a session
    that the remote does not have yet.

    Args:
        remote: The remote, looking at this session; None where nothing is published.
        session: The session.
        copies: Every copy of it that was found.
        onto: The snapshot that it goes on from.
        taken: Names that a fork must not get.
        runtime: Who leads from now on.
        shadow: Holds the copies.
        answered: The remote could be asked: what it had and has no more was deleted there.
    """
    counter = max(line.counter for line in copies) + 1
    there = next((line for line in copies if line.where == "remote"), None)
    published = _published(copies, shadow)
    if remote is None or there is None:
        if remote is not None and answered and published:
            return _beside(session, counter, taken, f"{session.branch} was deleted on the remote.")
        return Lead(session, counter, published=published)
    before = state.read(shadow.repository, there.state).lease
    lease = state.Lease(runtime, counter, before.published)
    try:
        remote.take_lease(there.state, state.renew(shadow.repository, there.state, lease), onto=onto)
    except LeaseLost as lost:
        return _beside(session, counter, taken, lost.what)
    except GitsessionError as error:
        said = f"The lead is unconfirmed until the remote answers: {error.what}"
        return Lead(session, counter, (said,), published)
    notes = () if before.runtime == runtime else (_led_before(session, before.runtime),)
    return Lead(session, counter, notes, before.published)


def _published(copies: Collection[Line], shadow: Shadow) -> str:
    """What the remote was known to have of the session, by the newest copy that has a state."""
    newest = max(
        (line for line in copies if line.state), key=lambda line: (line.counter, line.number), default=None
    )
    return state.read(shadow.repository, newest.state).lease.published if newest is not None else ""


def _beside(session: SessionName, counter: int, taken: Collection[SessionName], why: str) -> Lead:
    """The fork counts on from the session: it is what the next `open` resumes."""
    fork = fork_name(session, taken)
    said = f"{why} What it held goes on as {fork.branch}; nothing on the remote was overwritten."
    return Lead(fork, counter, (said,))


def _led_before(session: SessionName, runtime: str) -> str:
    return (
        f"The runtime {runtime} led {session.name} before. If it still runs, it notices within a minute "
        f"and goes on as {session.name}-fork-<k>; nothing of it is lost."
    )
