"""Looking at the places that may hold a repository's sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from gitsession import files
from gitsession.agent.places import local_state
from gitsession.git import Repository, plain
from gitsession.model import SessionName
from gitsession.replicas.remote import Remote
from gitsession.replicas.vault import Vault
from gitsession.resume import find
from gitsession.resume.ground import Ground
from gitsession.resume.lives import Local, lives

LOOKING = SessionName("nobody", "looking")


@contextmanager
def sources(
    ground: Ground,
    publish: bool,
    runtime: str,
    through: Repository,
    variables: Mapping[str, str],
    *,
    apart: Path | None = None,
    known: Vault | None = None,
) -> Iterator[list[find.Source]]:
    """The places that may hold sessions, those first that need no network.

    `apart` is the folder of local state that is in use already, `known` a vault that was looked at before.
    """
    found: list[find.Source] = [Local(lives(ground.address, apart=apart))]
    with ExitStack() as stack:
        if ground.storage is not None:
            vault = _vault(Path(ground.storage), ground, runtime, through, known)
            stack.callback(vault.close)
            found.append(vault)
        if publish:
            found.append(Remote(through, ground.fork or ground.address, LOOKING, credentials=variables))
        yield found


def _vault(storage: Path, ground: Ground, runtime: str, through: Repository, known: Vault | None) -> Vault:
    if known is not None and (known.storage, known.address) == (storage, ground.address):
        return known.seen_from(through)
    return Vault(storage, ground.address, runtime, through)


@contextmanager
def looking_glass() -> Iterator[Repository]:
    """An empty repository of ours for questions to replicas; it vanishes at the end of the block."""
    with ExitStack() as stack:
        with local_state() as root:
            folder = stack.enter_context(files.folder_in_use(files.make_directory(root / "opening")))
        plain("init", "--quiet", "--bare", "--", str(folder / "look.git"), cwd=folder)
        yield Repository(folder / "look.git")


@contextmanager
def looking(
    ground: Ground, *, publish: bool, runtime: str, variables: Mapping[str, str]
) -> Iterator[find.Search]:
    """As `look`; until the end of the block the vault that was looked at stays open."""
    with looking_glass() as glass, sources(ground, publish, runtime, glass, variables) as replicas:
        yield replace(find.search(replicas), vault=find.vault_among(replicas))


def ask_again(
    seen: find.Search, ground: Ground, *, runtime: str, variables: Mapping[str, str]
) -> find.Search:
    """The same where the remote answered; where it did not, with another look at it."""
    if "remote" not in seen.failures:
        return seen
    others = {name: error for name, error in seen.failures.items() if name != "remote"}
    again = look(replace(ground, storage=None), publish=True, runtime=runtime, variables=variables)
    return find.together((replace(seen, failures=others), again))


def look(
    ground: Ground, *, publish: bool, runtime: str, variables: Mapping[str, str], measure: bool = False
) -> find.Search:
    """One listing of the remote's refs and one of the vault's folder.

    Args:
        ground: The repository and its storage.
        publish: Whether the remote is asked at all.
        runtime: The id of this life of this machine.
        variables: Those by which git reaches the remote.
        measure: Find out too how much each session takes in the vault.
    """
    with looking_glass() as glass, sources(ground, publish, runtime, glass, variables) as replicas:
        seen = find.search(replicas)
        return find.measured(seen, replicas) if measure else seen
