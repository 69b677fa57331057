"""`gitsession list`: the sessions of a repository, from its remote and from the vault, in one table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click

from gitsession import credentials
from gitsession.commands.output import human_size, inert, note, print_json, table
from gitsession.commands.target import json_option
from gitsession.errors import GitsessionError
from gitsession.replicas.base import Found
from gitsession.resume.access import access
from gitsession.resume.find import Search
from gitsession.resume.ground import survey_remote
from gitsession.resume.looking import look
from gitsession.runtime import detect


@dataclass(frozen=True)
class Listed:
    """One session of a repository.

    Args:
        owner: Whose it is.
        name: Its name.
        snapshot: The number of its newest snapshot, anywhere.
        opened: How often it was opened.
        where: The places that hold it, such as `("remote", "vault")`.
        finished: `finish` was called on it.
        running: Whether a runtime leads it now; None where no place can tell.
        size: Bytes in the vault; None where it holds nothing.
    """

    owner: str
    name: str
    snapshot: int
    opened: int
    where: tuple[str, ...]
    finished: bool
    running: bool | None
    size: int | None


def gather(found: Sequence[Found]) -> tuple[Listed, ...]:
    """One entry per session, the most often opened first."""
    sessions = dict.fromkeys(entry.session for entry in found)
    listed = (_listed([entry for entry in found if entry.session == session]) for session in sessions)
    return tuple(
        sorted(listed, key=lambda entry: (entry.finished, -entry.opened, -entry.snapshot, entry.name))
    )


def _listed(copies: Sequence[Found]) -> Listed:
    running = [copy.running for copy in copies if copy.running is not None]
    sizes = [copy.size for copy in copies if copy.size is not None]
    return Listed(
        owner=copies[0].session.login,
        name=copies[0].session.name,
        snapshot=max(copy.number or 0 for copy in copies),
        opened=max(copy.counter or 0 for copy in copies),
        where=tuple(sorted({copy.where for copy in copies})),
        finished=any(copy.finished for copy in copies),
        running=any(running) if running else None,
        size=sum(sizes) if sizes else None,
    )


def list_sessions(
    repo: str, *, storage: str | Path | Literal[False] | None = None, token: str | None = None
) -> tuple[Listed, ...]:
    """The sessions of a repository; a place that does not answer is left out with a note on standard error.

    Raises:
        GitsessionError: No place answered; the remote's error.
    """
    seen = _search(repo, storage, token)
    for name, error in seen.failures.items():
        note(f"gitsession: the {name} could not be asked. {inert(error.what)}")
    return gather(seen.found)


def _search(repo: str, storage: str | Path | Literal[False] | None, token: str | None) -> Search:
    ground = survey_remote(repo, storage, runtime=detect(os.environ), environ=os.environ)
    held = credentials.find_token(token, None, ground.address.host, os.environ)
    with access(ground.address, None, held) as variables:
        seen = look(ground, publish=True, runtime="", variables=variables)
    failure: GitsessionError | None = seen.failures.get("remote") or next(iter(seen.failures.values()), None)
    if failure is not None and not seen.found:
        raise failure
    return seen


def _row(entry: Listed) -> tuple[str, ...]:
    state = "finished" if entry.finished else "running" if entry.running else ""
    size = "" if entry.size is None else human_size(entry.size)
    return (entry.owner, entry.name, str(entry.snapshot), " + ".join(entry.where), state, size)


@click.command(epilog="Example: gitsession list ada/engine")
@click.argument("repo")
@click.option("--storage", metavar="PLACE", help="The vault: drive, a folder, or none.")
@json_option
def command(repo: str, storage: str | None, as_json: bool) -> None:
    """List the sessions of REPO, of everybody: owner, name, newest snapshot, and where they are held."""
    listed = list_sessions(repo, storage=storage)
    if as_json:
        print_json([asdict(entry) for entry in listed])
    else:
        table(("owner", "session", "snapshot", "held by", "", "size"), [_row(entry) for entry in listed])
