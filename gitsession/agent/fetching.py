"""Bringing back files that were left in the vault, when somebody asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gitsession.agent.contents import Contents
from gitsession.agent.putting import put
from gitsession.errors import SessionError, StorageError
from gitsession.replicas.vault import Vault
from gitsession.snapshot.patterns import check, matcher


@dataclass(frozen=True)
class Fetched:
    """What came of it.

    Args:
        paths: The files that are in the work tree now, as they lie there.
        beside: Of these, the ones that lie beside a file that stood in their place.
        missing: What could not be had, each with the reason.
    """

    paths: tuple[str, ...]
    beside: tuple[str, ...]
    missing: tuple[str, ...]


def fetch(contents: Contents, vault: Vault | None, root: Path, pattern: str) -> Fetched:
    """Bring the awaited files that a pattern means; a file that stands in the place of one is left alone.

    Raises:
        UsageError: The pattern is malformed.
        SessionError: It means none of them.
        StorageError: There is no vault, or it does not answer.
    """
    is_meant = matcher([check(pattern)])
    wanted = [file for file in reversed(contents.awaited) if is_meant(file.path)]
    if not wanted:
        raise SessionError(
            f"Nothing that {pattern} means is waiting in the vault.",
            hint="`gitsession status` names what is.",
        )
    if vault is None:
        raise StorageError(
            "This session has no vault.", hint="Open it with the storage= that holds its files."
        )
    outcomes = list(put(root, vault.held, wanted))
    there = [(outcome.file, outcome.path) for outcome in outcomes if outcome.path is not None]
    contents.came_back(there)
    return Fetched(
        tuple(path for _, path in there),
        tuple(path for file, path in there if path != file.path),
        tuple(f"{outcome.file.path}: {outcome.reason}" for outcome in outcomes if outcome.path is None),
    )
