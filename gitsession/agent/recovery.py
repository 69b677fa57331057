"""What is done about a replica's failure, besides trying again later."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace

from gitsession.agent import control
from gitsession.agent.lane import Lane
from gitsession.agent.portions import REASON
from gitsession.agent.saving import Caught
from gitsession.agent.shipments import LeftOut, MayNotLeave, TooMuch, published_by
from gitsession.agent.taking import Taking
from gitsession.errors import (
    AgentError,
    AuthorisationError,
    GitsessionError,
    LeaseLost,
    RefusedError,
    TokenRefused,
)
from gitsession.model import SessionName
from gitsession.replicas.guard import WORKFLOWS
from gitsession.replicas.lease import fork_name

PRIVATE_ADDRESS = (
    "GitHub keeps your e-mail address private, so the snapshots carry {noreply} now. Commits of your own "
    "with another address are not published; `git config user.email {noreply}` gives the next ones this one."
)

TOKEN_REFUSED = (
    "The session's token is not accepted any more: it has ended or was revoked. Nothing is pushed until "
    "`open` is given another one (GITHUB_TOKEN, token= or --token-command); all else is saved as before."
)
NOBODY_ANSWERED = "could not read Username"  # git's words: the token is given for the opened repository only
ANOTHER_NAME = (
    "Nothing is pushed for now: the server asks for the token under another name, so the repository was "
    "renamed or moved. Close the session and open the repository again here: the work tree goes on under "
    "the new name. All else is saved as before."
)
ANSWER_TIMEOUT = 5.0


def recover(agent: Taking, lane: Lane, error: Exception, taken: Collection[SessionName] = ()) -> None:
    """Hold what may not leave, or fork where somebody else leads; on the main thread only.

    Args:
        agent: Whose shipment failed.
        lane: Where to.
        error: Why.
        taken: The names that a fork may not take.
    """
    agent.parts.log.failure(f"{lane.name} failed", error)
    match error:
        case MayNotLeave():
            _withhold(agent, lane, error.caught)
        case TooMuch():
            _withhold(agent, lane, agent.parts.shipments.to_wait())
        case RefusedError() if error.refusal.kind == "push-size":
            _withhold(agent, lane, agent.parts.shipments.to_wait(refused=True))
        case RefusedError() if error.refusal.kind == "email":
            _keep_address_private(agent, lane, error)
        case RefusedError() if error.refusal.paths or error.refusal.kind == "lfs":
            shipments = agent.parts.shipments
            is_lfs = error.refusal.kind == "lfs"  # of the missing contents only the first three are named
            blobs = shipments.pointers() if is_lfs else shipments.refused(error.refusal)
            caught = {path: Caught(error.refusal.detail, oids) for path, oids in blobs.items()}
            _withhold(agent, lane, caught)
        case LeaseLost():
            _fork(agent, taken)
        case TokenRefused() if NOBODY_ANSWERED in error.what and _holds_token(agent):
            _say_once(agent, ANOTHER_NAME)
        case TokenRefused():
            _ask_for_token(agent, lane)
        case AuthorisationError() | RefusedError():
            _tell(agent, error)


def _withhold(agent: Taking, lane: Lane, caught: Mapping[str, Caught]) -> None:
    """Rebuild what the remote lacks without the offenders, and ship that instead."""
    onto = lane.acknowledged.snapshot if lane.acknowledged else None
    agent.parts.shipments.withhold(
        {
            oid: LeftOut(path, f"{path}: {what.reason}", what.findings)
            for path, what in caught.items()
            for oid in what.oids
        }
    )
    try:
        taken = agent.parts.saver.withhold(caught, onto)
    except (GitsessionError, OSError) as error:
        agent.parts.log.failure("rebuild failed", error)
        return
    if taken is None:
        return
    agent.saved(taken, git=True, ran=None)
    agent.parts.marks.mark(list(caught))
    agent.take(sweep=False)  # which finds them held
    agent.demands.renew(agent.generation)
    lane.start_afresh()


def _keep_address_private(agent: Taking, lane: Lane, error: RefusedError) -> None:
    """Make what the remote lacks anew with the address that GitHub gives out, where it is known."""
    author, shipments, saver = agent.configuration.author, agent.parts.shipments, agent.parts.saver
    noreply = agent.configuration.noreply
    if noreply is None:
        _tell(agent, error)
        return
    own = shipments.with_other_addresses(noreply)
    if author.email == noreply and not own:
        return
    shipments.withhold(own)
    agent.configure(author=replace(author, email=noreply))
    try:
        saver.shadow.settle()
        taken = saver.snapshots.rebuild(lane.acknowledged.snapshot if lane.acknowledged else None, {})
    except (GitsessionError, OSError) as error:
        agent.parts.log.failure("rebuild failed", error)
        return
    agent.notices.notes["address"] = PRIVATE_ADDRESS.format(noreply=noreply)
    agent.saved(taken, git=True, ran=None)
    agent.demands.renew(agent.generation)
    lane.start_afresh()


def _holds_token(agent: Taking) -> bool:
    with suppress(AgentError):
        return bool(control.ask(agent.parts.places.keeper_socket, "token", timeout=ANSWER_TIMEOUT)["token"])
    return False


def _ask_for_token(agent: Taking, lane: Lane) -> None:
    """Have the keeper ask the user's own command; where it has no other token, the person is asked, once."""
    tries = False
    with suppress(AgentError):
        place = agent.parts.places.keeper_socket
        tries = bool(control.ask(place, "renew-token", timeout=ANSWER_TIMEOUT)["tries"])
    if tries and lane.failures < 2:
        return
    if "token" not in agent.notices.notes:
        agent.notices.notes["token"] = TOKEN_REFUSED
        agent.parts.events.add("token", TOKEN_REFUSED)


def _tell(agent: Taking, error: AuthorisationError | RefusedError) -> None:
    """Say once that nothing is pushed, why, and what the person can do; it is tried again by itself."""
    _say_once(agent, f"Nothing is pushed for now. {error.what} {error.hint} All else is saved as before.")


def _say_once(agent: Taking, told: str) -> None:
    if agent.notices.notes.get("refused") != told:
        agent.notices.notes["refused"] = told
        agent.parts.events.add("refused", told)


def go_on_with_token(agent: Taking, *, workflows: bool) -> None:
    """Try again what was refused, with the token that the keeper has now.

    Args:
        agent: Whose session it is; on its main thread only.
        workflows: Whether this token may push `.github/workflows`, unless it is known to be refused.
    """
    saver, shipments = agent.parts.saver, agent.parts.shipments
    agent.configure(workflows=workflows)
    shipments.guard.workflows = workflows
    if workflows:
        agent.parts.marks.mark(list(saver.release(lambda path, _: path.startswith(WORKFLOWS))))
        shipments.release(shipments.withheld(lambda left: left.path.startswith(WORKFLOWS)))
    for lane in agent.lanes:
        lane.start_afresh()


def arrived(agent: Taking, lane: Lane) -> None:
    """What follows when a shipment has arrived; on the main thread only."""
    _note_published(agent, lane)
    if lane.name == "remote":
        agent.notices.notes.pop("token", None)
        agent.notices.notes.pop("refused", None)
        _send_next(agent, lane)


def _note_published(agent: Taking, lane: Lane) -> None:
    """Have every state say what the remote has by now: without it there, somebody deleted it.

    Who waits for a flush waits for that too, so that the vault knows it before the machine may go.
    """
    if (told := published_by(lane)) not in ("", agent.configuration.published):
        agent.configure(published=told)
        agent.generation += 1
        agent.demands.renew(agent.generation)


def _send_next(agent: Taking, lane: Lane) -> None:
    """Let go what waited for its turn, if anything did, now that the portion before it has arrived."""
    shipments = agent.parts.shipments
    if not shipments.portions.waiting:
        return
    chosen = shipments.portions.next()
    agent.parts.saver.release(lambda path, caught: path in chosen and caught.reason == REASON)
    shipments.release(shipments.withheld(lambda left: left.path in chosen))
    agent.parts.marks.mark(list(chosen))
    agent.take(sweep=False)
    agent.demands.renew(agent.generation)
    lane.start_afresh()


def _fork(agent: Taking, taken: Collection[SessionName]) -> None:
    """Somebody else leads the session now: go on under another name and never overwrite theirs."""
    old = agent.configuration.session
    fork = fork_name(old, taken)
    origin = agent.configuration.opened_as or old
    agent.notices.notes["fork"] = (
        f"{origin.branch} is led by somebody else now, or was deleted. "
        f"Your work goes on as {fork.branch}; nothing was overwritten."
    )
    agent.rename(fork, origin)
    agent.parts.log.write("forked", session=str(fork), old=str(old))
