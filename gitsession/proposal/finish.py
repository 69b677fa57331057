"""The end of a session: its pull request marked, its replicas told, its processes ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from gitsession.errors import GitsessionError, StorageError
from gitsession.git import Repository
from gitsession.proposal.ground import Ground
from gitsession.proposal.status import status
from gitsession.proposal.values import Finished
from gitsession.replicas.remote import Remote
from gitsession.replicas.vault import Vault
from gitsession.resume.access import access
from gitsession.runtime import Runtime

ENDED = ("merged", "closed")
UNMOUNT_TIMEOUT = 300.0  # seconds
Close = Callable[[], tuple[str, ...]]


def finish(ground: Ground, *, ready: bool, close: Close, runtime: Runtime, unmount: bool = False) -> Finished:
    """End a session that was flushed just now.

    The replicas are told after the agent ended, so that nothing ships any more behind their back.

    Args:
        ground: The session.
        ready: Take the pull request out of draft.
        close: Ends its processes; answers with what only this machine has.
        runtime: The kind of machine this is.
        unmount: Have its own storage upload everything, and leave it.
    """
    told = _reviewed(ground, ready=ready)
    missing = close()
    notes = [*told.notes, *(f"Only on this machine: {line}" for line in missing)]
    marked = []
    with access(ground.address, ground.configuration.fork, ground.token) as variables:
        for name, mark in _marks(ground, variables):
            try:
                mark()
                marked.append(name)
            except GitsessionError as error:
                notes.append(f"The {name} does not know yet that it is finished: {error.what}")
    notes += _leave_storage(ground, runtime, unmount=unmount)
    return replace(told, marked=tuple(marked), notes=tuple(notes))


def _leave_storage(ground: Ground, runtime: Runtime, *, unmount: bool) -> list[str]:
    """Let the machine's own storage upload, where the vault lies on it, or say how to wait for that."""
    own, storage = runtime.storage_at_hand(), ground.configuration.storage
    if own is None or storage is None or not Path(storage).is_relative_to(own.parent) or not runtime.uploads:
        return []
    if not unmount:
        return [runtime.uploads]
    try:
        runtime.unmount(UNMOUNT_TIMEOUT)
    except StorageError as error:
        return [f"{error.what} {error.safe} {error.hint}".replace("  ", " ")]
    return []


def _reviewed(ground: Ground, *, ready: bool) -> Finished:
    name = str(ground.session)
    try:
        now = status(ground)
        if ready and now.number is not None and ground.pulls is not None and now.state not in ENDED:
            ground.pulls.mark_ready(now.number)
            now = status(ground)
    except GitsessionError as error:
        return Finished(name, "unknown", notes=(f"GitHub does not say how the review stands: {error.what}",))
    return Finished(name, now.state, now.url)


def _marks(ground: Ground, variables: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], None]]]:
    configuration, shadow = ground.configuration, Repository(ground.places.shadow)
    if configuration.publish:
        remote = Remote(
            shadow,
            ground.home,
            ground.session,
            visible=configuration.visible,
            credentials=variables,
        )
        yield "remote", remote.finish
    if configuration.storage is not None:
        vault = Vault(
            Path(configuration.storage),
            ground.address,
            configuration.runtime,
            shadow,
            session=ground.session,
        )
        with closing(vault):
            yield "vault", vault.finish
