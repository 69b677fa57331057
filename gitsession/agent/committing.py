"""The user's own commit, with their hooks and settings, and its push once the guard has looked at it."""

from __future__ import annotations

from gitsession import credentials, run
from gitsession.agent.service import Agent
from gitsession.errors import GitError, RefusedError
from gitsession.git import Repository, own, refs
from gitsession.replicas.own_commits import refuse
from gitsession.replicas.refusal import parse_refusal

SAVE_TIMEOUT = 300.0


def commit(agent: Agent, message: str, *, push: bool) -> str:
    """Save everything, commit it, push it if asked; answers with the commit.

    Args:
        agent: Whose session it is; on any thread but its main one.
        message: The commit's.
        push: Whether `origin` gets it, on the branch of the same name.

    Raises:
        RepositoryError: There is nothing to commit.
        RefusedError: It is made, but the guard or the remote does not let it leave.
        GitError: A hook refused it, or the remote cannot be reached.
    """
    agent.jobs.call(agent.save_now, SAVE_TIMEOUT)
    configuration, user = agent.configuration, agent.parts.shipments.user
    addresses = [place for place in (configuration.address, configuration.fork) if place is not None]
    variables = credentials.configuration(
        addresses, agent.parts.places.keeper_socket, run.program(), environ={}
    )
    theirs = own.own(user.git_dir, user.work_tree, variables)
    made = own.commit_all(theirs, message)
    if push:
        try:
            _push(agent, theirs, made)
        except GitError as error:
            error.safe = f"The commit {made[:10]} is made, on this machine; saving goes on."
            raise
    return made


def _push(agent: Agent, theirs: Repository, made: str) -> None:
    shipments = agent.parts.shipments
    shipments.shadow.adopt_objects()
    known = refs.published(shipments.user.repository)
    refuse(shipments.shadow.repository, shipments.guard, made, known)
    try:
        own.push_branch(theirs)
    except GitError as error:
        refusal = parse_refusal(error.stderr)
        if refusal is None:
            raise
        raise RefusedError(
            f"The remote refused the push: {refusal.detail}",
            refusal=refusal,
            stderr=error.stderr,
            hint=refusal.hint,
        ) from error
