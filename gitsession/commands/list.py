"""`gitsession list`: the sessions of a repository, from every place that may hold them, in one table."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from gitsession import credentials
from gitsession.address import Address, github_server, parse_address
from gitsession.commands.output import human_age, human_size, inert, note, print_json, table
from gitsession.commands.target import json_option
from gitsession.errors import GitsessionError, UsageError
from gitsession.model import SessionName
from gitsession.replicas.base import Found
from gitsession.resume.access import access
from gitsession.resume.find import Search, together
from gitsession.resume.looking import look
from gitsession.resume.repository import visit

if TYPE_CHECKING:
    from gitsession.hub import Pull

WILD = frozenset("*?[")
QUESTIONS_AT_ONCE = 8
CLOCKS_DIFFER = 120.0  # seconds that two good clocks may be apart


@dataclass(frozen=True)
class Listed:
    """One session of a repository.

    Args:
        repo: The repository.
        owner: Whose it is.
        name: Its name.
        base: The branch that it works on; None where no place tells without being asked for everything.
        snapshot: The number of its newest snapshot, anywhere.
        opened: How often it was opened.
        where: The places that hold it, such as `("remote", "vault")`; `local` where snapshots that lie on
            this machine may be nowhere else.
        finished: `finish` was called on it.
        running: Whether a runtime works on it now: True where one does on this machine; False where it is
            finished, or was led last on this machine and nothing runs; None where nobody here can know.
        size: Bytes in the vault; None where that is not known.
        pull: Its newest pull request, such as `#4 merged`; empty where there is none, or nobody to ask.
        leader: Who leads it by the newest copy's lease: `here` for this machine, `elsewhere` for another one,
            which may have gone without a word; None where no place tells.
        saved: When that one saved last, by its own clock, in seconds since 1970; None where no place tells.
    """

    repo: str
    owner: str
    name: str
    base: str | None
    snapshot: int
    opened: int
    where: tuple[str, ...]
    finished: bool
    running: bool | None
    size: int | None
    pull: str = ""
    leader: Literal["here", "elsewhere"] | None = None
    saved: float | None = None


def gather(
    found: Sequence[Found],
    repo: str = "",
    running: Collection[SessionName] = (),
    here: Collection[str] = (),
) -> tuple[Listed, ...]:
    """One entry per session, the most often opened first.

    Args:
        found: What each place holds.
        repo: The repository's name.
        running: The sessions that an agent on this machine leads.
        here: The ids of this machine's lives.
    """
    sessions = dict.fromkeys(entry.session for entry in found)
    listed = (
        _listed(repo, [entry for entry in found if entry.session == session], session in running, here)
        for session in sessions
    )
    return tuple(
        sorted(listed, key=lambda entry: (entry.finished, -entry.opened, -entry.snapshot, entry.name))
    )


def _listed(repo: str, copies: Sequence[Found], runs: bool, here: Collection[str]) -> Listed:
    session = copies[0].session
    finished = any(copy.finished for copy in copies)
    led = max((copy for copy in copies if copy.runtime is not None), key=_rank, default=None)
    leader: Literal["here", "elsewhere"] | None = "here" if runs else None
    if led is not None:
        leader = "here" if led.runtime in here else "elsewhere"
    sizes = [copy.size for copy in copies if copy.size is not None]
    return Listed(
        repo=repo,
        owner=session.login,
        name=session.name,
        base=next((copy.branch for copy in copies if copy.branch is not None), None),
        snapshot=max(copy.number or 0 for copy in copies),
        opened=max(copy.counter or 0 for copy in copies),
        where=tuple(sorted({copy.where for copy in copies})),
        finished=finished,
        running=runs or (False if finished or leader == "here" else None),
        leader=leader,
        saved=led.at if led is not None else None,
        size=sum(sizes) if sizes else None,
    )


def _rank(copy: Found) -> tuple[int, int, bool]:
    """The newest copy, and of equals the one that says when."""
    return (copy.counter or 0, copy.number or 0, copy.at is not None)


def list_sessions(
    repo: str, *, storage: str | Path | Literal[False] | None = None, token: str | None = None
) -> tuple[Listed, ...]:
    """The sessions of one or several repositories; a place that does not answer is left out with a note.

    Args:
        repo: As in `open`, or `owner/pattern` such as `org/hw1-*` for every repository that matches.
        storage: As in `open`.
        token: As in `open`.

    Raises:
        GitsessionError: No place answered; the remote's error.
    """
    if not WILD & set(repo):
        return _of_one(repo, storage, token)
    listed: list[Listed] = []
    for name in _matching(repo, token):
        try:
            listed.extend(_of_one(name, storage, token))
        except GitsessionError as error:
            note(f"gitsession: {inert(name)} could not be asked. {inert(error.what)}")
    return tuple(listed)


def _matching(pattern: str, token: str | None) -> Iterator[str]:
    """The repositories of `owner/pattern`, as GitHub lists them for this token."""
    from gitsession.hub import Hub, api_url

    owner, slash, names = pattern.partition("/")
    if not slash or WILD & set(owner):
        raise UsageError(f"{pattern!r} names no owner.", hint='Write it like "org/hw1-*".')
    server = github_server(os.environ)
    address = parse_address(f"{owner}/x", server_url=server)
    held = _token(address, token)
    for repository in Hub(lambda: held, api_url(address.host, os.environ)).repositories(owner, names):
        yield repository.full_name


def _token(address: Address, token: str | None) -> credentials.Token | None:
    return credentials.find_token(token, None, address.host, os.environ)


def _of_one(repo: str, storage: str | Path | Literal[False] | None, token: str | None) -> tuple[Listed, ...]:
    there = visit(repo, storage, token)
    grounds = [there.ground]
    if there.ground.fork is not None:  # other people's sessions live in the repository itself
        grounds.append(replace(there.ground, fork=None, storage=None))
    with access(there.ground.address, there.ground.fork, there.token) as variables:
        looks = [look(one, publish=True, runtime="", variables=variables, measure=True) for one in grounds]
    seen = together(looks)
    _report(seen)
    listed = gather(seen.found, str(there.ground.address), there.running, there.here)
    with ThreadPoolExecutor(QUESTIONS_AT_ONCE) as pool:
        pulls = pool.map(lambda entry: there.pull(SessionName(entry.owner, entry.name)), listed)
        return tuple(replace(entry, pull=_said(pull)) for entry, pull in zip(listed, pulls, strict=True))


def _said(pull: Pull | None) -> str:
    if pull is None:
        return ""
    return f"#{pull.number} {'merged' if pull.merged else 'draft' if pull.draft else pull.state}"


def _report(seen: Search) -> None:
    failure: GitsessionError | None = seen.failures.get("remote") or next(iter(seen.failures.values()), None)
    if failure is not None and not seen.found:
        raise failure
    for name, error in seen.failures.items():
        note(f"gitsession: the {name} could not be asked. {inert(error.what)}")


def _row(entry: Listed, *, with_repo: bool) -> tuple[str, ...]:
    size = "" if entry.size is None else human_size(entry.size)
    named = (entry.repo,) if with_repo else ()
    saved = f"snapshot {entry.snapshot}" if entry.snapshot else ""
    where = " + ".join(entry.where)
    return (
        *named,
        entry.owner,
        entry.name,
        entry.base or "",
        saved,
        where,
        state_of(entry, time.time()),
        entry.pull,
        size,
    )


def state_of(entry: Listed, now: float) -> str:
    """What the table says of it at a moment, in seconds since 1970."""
    if entry.finished:
        return "finished"
    if entry.running:
        return "running here, led elsewhere" if entry.leader == "elsewhere" else "running here"
    if entry.leader != "elsewhere":
        return "not running" if entry.leader else "not known"
    if entry.saved is None or entry.saved > now + CLOCKS_DIFFER:
        return "led elsewhere, last seen is not known"
    return f"led elsewhere, saved {human_age(now - entry.saved)}"


@click.command(epilog='Example: gitsession list ada/engine · gitsession list "org/hw1-*"')
@click.argument("repo", default=".")
@click.option("--storage", metavar="PLACE", help="The vault: drive, a folder, or none.")
@json_option
def command(repo: str, storage: str | None, as_json: bool) -> None:
    """List the sessions of REPO, of everybody: owner, name, base, last save, and where they are held.

    By default REPO is that of the clone you stand in.

    A session that another machine leads says when it saved last by that one's clock; whether it still runs
    there, nobody can know from here.

    REPO may be a pattern such as "org/hw1-*" for all repositories of an owner that match.
    """
    listed = list_sessions(repo, storage=storage)
    if as_json:
        print_json([asdict(entry) for entry in listed])
        return
    print_table(listed, with_repo=bool(WILD & set(repo)))


def print_table(listed: Sequence[Listed], *, with_repo: bool) -> None:
    """Sessions as a table, with their repositories where they are of several."""
    columns = ("owner", "session", "base", "last save", "held by", "state", "pull request", "size")
    table(
        (*(("repository",) if with_repo else ()), *columns),
        [_row(entry, with_repo=with_repo) for entry in listed],
        whole=("repository", "owner", "session", "base", "last save", "pull request", "size"),
        spare=("base", "size", "held by", "last save", "owner"),
    )
