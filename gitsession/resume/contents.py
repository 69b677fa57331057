"""What a resumed session keeps beside its snapshot: put back from the vault, or named where it cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from gitsession.agent.contents import MEMORY, Contents, Memory
from gitsession.agent.putting import put
from gitsession.errors import StorageError
from gitsession.git.progress import Listen
from gitsession.replicas.vault import Vault
from gitsession.snapshot import state
from gitsession.snapshot.patterns import matcher
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.state import kept
from gitsession.snapshot.state.kept import KeptFile

NAMED = 5


def bring_contents(
    commit: str, shadow: Shadow, vault: Vault | None, lazy: Sequence[str], listen: Listen | None
) -> list[str]:
    """Put the newest version of every held and kept file into the restored work tree.

    What is lazy, or cannot be had, is remembered as awaited: it is shown, and never taken for deleted.

    Args:
        commit: The state commit that was resumed.
        shadow: The session's shadow repository.
        vault: Where the contents lie; None where there is none.
        lazy: More patterns of files to leave there.
        listen: Told of bytes.

    Returns:
        Notes for the person.
    """
    keeping = kept.read(shadow.repository, commit).with_patterns((), lazy)
    is_lazy = matcher(keeping.lazy)
    wanted = [file for file in keeping.files if not file.awaited and not is_lazy(file.path)]
    later = [file for file in keeping.files if file not in wanted]
    back, missing, notes = _put_back(shadow.user.work_tree, vault, wanted, listen)
    awaited = tuple(replace(file, awaited=True) for file in (*later, *missing))
    place = shadow.directory / MEMORY
    contents = Contents(shadow.user.work_tree, Memory(replace(keeping, files=(*awaited, *back))), place)
    contents.came_back([(file, file.path) for file in back])
    return [*notes, *_told(keeping.files, shadow, commit, vault)]


def _put_back(
    root: Path, vault: Vault | None, wanted: Sequence[KeptFile], listen: Listen | None
) -> tuple[list[KeptFile], list[KeptFile], list[str]]:
    back: list[KeptFile] = []
    reasons: dict[str, list[str]] = {}
    try:
        if vault is not None:
            for outcome in put(root, vault.held, wanted, overwrite=True, listen=listen):
                if outcome.path is not None:
                    back.append(outcome.file)
                else:
                    reasons.setdefault(outcome.reason, []).append(outcome.file.path)
    except StorageError as error:
        reasons[error.what] = [file.path for file in wanted if file not in back]
    missing = [file for file in wanted if file not in back]
    if vault is None and missing:
        reasons["they are in the vault only, which is not here"] = [file.path for file in missing]
    notes = [f"Not brought back: {named(paths)} ({reason})." for reason, paths in reasons.items()]
    return back, missing, notes


def _told(files: Iterable[KeptFile], shadow: Shadow, commit: str, vault: Vault | None) -> list[str]:
    """The held files whose content no state names: on the way to the vault when the machine was lost."""
    known = {file.path for file in files}
    lost = [item.path for item in state.read(shadow.repository, commit).held if item.path not in known]
    if not lost:
        return []
    where = "had not reached the vault" if vault is not None else "is in the vault at best"
    return [f"The newest content of {named(lost)} {where}; an earlier version stands there."]


def named(paths: Sequence[str]) -> str:
    """The first few of some paths, and how many more there are."""
    more = len(paths) - NAMED
    return ", ".join(paths[:NAMED]) + (f" and {more} more" if more > 0 else "")
