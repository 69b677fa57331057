"""A state commit written anew with another leader, owner or snapshot; all else it holds stays as it is."""

from __future__ import annotations

from dataclasses import asdict

from gitsession import git
from gitsession.git import lookup
from gitsession.model import SessionName
from gitsession.snapshot.state import layout, reading
from gitsession.snapshot.state.layout import Lease
from gitsession.snapshot.state.objects import Batch, parse_tree


def renew(
    source: git.Repository,
    state: str,
    lease: Lease,
    *,
    session: SessionName | None = None,
    snapshot: tuple[int, str] | None = None,
) -> str:
    """Write a state commit that differs only in what is given, and answer with its oid.

    Args:
        source: The repository that has the state, and gets the new one.
        state: The state commit.
        lease: Who leads from now on.
        session: Whose state it is from now on; as before by default.
        snapshot: The number and commit of the snapshot that it belongs to; as before by default.

    Raises:
        FormatError: The state is newer, damaged or hostile.
    """
    told = reading.read(source, state)
    commit, tree = lookup.contents(source, [state, f"{state}^{{tree}}"])
    assert commit is not None
    assert tree is not None
    owner = session or told.session
    number, first = snapshot or (told.number, told.snapshot)
    batch = Batch()
    named = {"login": owner.login, "name": owner.name, "number": number}
    entries = {
        **parse_tree(tree),
        "session.json": batch.blob(layout.dump(named)),
        "lease.json": batch.blob(layout.dump(asdict(lease))),
    }
    parents = (first, *(tip for tip in reading.parents(source, state)[1:] if tip != first))
    oid = batch.commit(batch.tree(entries), parents, _who(commit), f"state: {owner} #{number}")
    batch.write(source)
    return oid


def _who(commit: bytes) -> str:
    lines = commit.partition(b"\n\n")[0].decode("utf-8", "surrogateescape").splitlines()
    return next(line for line in lines if line.startswith("committer ")).removeprefix("committer ")
