"""Which sessions a remote holds: its refs, and its state commits where they must be told apart."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from gitsession.errors import GitError
from gitsession.git import partial, transfer
from gitsession.model import DONE_PREFIX, SessionName
from gitsession.replicas.base import Found
from gitsession.replicas.peek import Peek, peek


def sessions_in(listed: Mapping[str, str], facts: Mapping[str, Peek]) -> tuple[Found, ...]:
    """The sessions that a remote's refs tell of; `facts` say what was looked at."""
    found = []
    for ref, state in sorted(listed.items()):
        session = SessionName.from_state_ref(ref)
        if session is not None:
            seen = facts.get(state, Peek())
            finished = ref.startswith(f"{DONE_PREFIX}/")
            found.append(
                Found(
                    session,
                    state,
                    seen.snapshot,
                    seen.number,
                    seen.counter,
                    "remote",
                    finished=finished,
                    branch=seen.branch,
                    runtime=seen.runtime,
                    at=seen.at,
                )
            )
    return tuple(found)


def look_at(
    url: str, refs: Collection[str], *, variables: Mapping[str, str], timeout: float
) -> dict[str, Peek]:
    """What some state commits of a remote say, by their ids.

    Only the commits come, with the small files at the top of their trees, and into a scratch repository: a
    shallow fetch into another one would make that shallow.

    Raises:
        GitTimeout: It outlived `timeout` seconds.
        GitError: The remote does not answer.
    """
    with tempfile.TemporaryDirectory(prefix="gitsession-peek-") as folder:
        scratch = partial.asking(Path(folder), url)
        refspecs = [f"+{ref}:{ref}" for ref in refs]
        try:
            transfer.fetch(
                scratch, "origin", refspecs, depth=1, objects="tree:2", variables=variables, timeout=timeout
            )
        except GitError as failed:
            if "filter" not in failed.stderr:
                raise
            transfer.fetch(scratch, "origin", refspecs, depth=1, variables=variables, timeout=timeout)
        states = scratch.text("for-each-ref", "--format=%(objectname)").split()
        return {state: peek(scratch, state) for state in states}
