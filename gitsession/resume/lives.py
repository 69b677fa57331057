"""Earlier lives of sessions on this machine: their snapshots, which may never have left it."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gitsession import files
from gitsession.address import Address
from gitsession.agent.configuration import Configuration
from gitsession.agent.places import Places, all_places
from gitsession.errors import FormatError, GitsessionError, SessionError
from gitsession.git import Repository, refs, transfer
from gitsession.model import SessionName
from gitsession.replicas.base import Found
from gitsession.replicas.peek import peek
from gitsession.resume.plan import Line
from gitsession.snapshot.shadow import TIP_REF, Shadow
from gitsession.snapshot.user import UserRepository
from gitsession.snapshot.values import Tip

EARLIER = "earlier-"
SETTINGS, SHADOW, JOURNAL = "session.json", "shadow.git", "journal"
BROUGHT = "gitsession-brought"
FETCHED = "refs/gitsession-fetched/local"
PATIENCE = 1.0


@dataclass(frozen=True)
class Life:
    """The local state of a session whose agent is gone.

    Args:
        directory: Where it lies.
        configuration: What its agent was told.
    """

    directory: Path
    configuration: Configuration

    @property
    def session(self) -> SessionName:
        """Whose session, and its name."""
        return self.configuration.session

    @property
    def stands(self) -> bool:
        """Whether its work tree is still there."""
        return (self.configuration.worktree / ".git").exists()

    def tip(self) -> Tip | None:
        """Its newest snapshot, visible to git from here on; None where there is none to bring any more.

        Raises:
            SessionError: A process has it open.
            FormatError: A newer gitsession wrote it.
        """
        shadow = Shadow(self.directory / SHADOW, self._user, self.directory / JOURNAL, PATIENCE)
        try:
            shadow.settle()
            tip = shadow.tip()
        finally:
            shadow.close()
        return None if tip is None or self._brought() == tip.commit else tip

    def line(self, into: Repository) -> Line | None:
        """Bring its snapshots into a repository, with the newest state that was made of them.

        Raises:
            GitError: Its objects are not complete.
        """
        tip = self.tip()
        if tip is None:
            return None
        state = self._newest_state(tip)
        wanted = [f"+{TIP_REF}:{FETCHED}/{tip.commit}/tip"]
        wanted += [f"+{ref}:{FETCHED}/{tip.commit}/state" for ref, oid in self._states() if oid == state][:1]
        transfer.fetch(into, str(self.directory / SHADOW), wanted)
        return Line("local", self.session, state, tip.commit, tip.number, max(1, self.configuration.counter))

    def forget_if_in(self, commits: Collection[str]) -> None:
        """Remember that its newest snapshot is kept elsewhere; what was set aside only for it goes."""
        with suppress(GitsessionError):
            tip = self.tip()
            if tip is None or tip.commit not in commits:
                return
            if self.directory.name.startswith(EARLIER):
                shutil.rmtree(self.directory, ignore_errors=True)
            else:
                files.write_atomically(self.directory / SHADOW / BROUGHT, tip.commit.encode())

    @property
    def _user(self) -> UserRepository:
        """Where the work tree's repository was; it may be gone."""
        git_dir = self.configuration.worktree / ".git"
        return UserRepository(git_dir, git_dir, self.configuration.worktree)

    def _brought(self) -> str:
        with suppress(OSError):
            return (self.directory / SHADOW / BROUGHT).read_text()
        return ""

    def _states(self) -> list[tuple[str, str]]:
        listed = refs.listed(Repository(self.directory / SHADOW), "refs/gitsession-replica/")
        return [(name, ref.oid) for name, ref in listed.items() if name.endswith("/state")]

    def _newest_state(self, tip: Tip) -> str:
        shadow = Repository(self.directory / SHADOW)
        ranked = []
        for _, oid in self._states():
            seen = peek(shadow, oid)
            if seen.snapshot is not None and transfer.is_ancestor(shadow, seen.snapshot, tip.commit):
                ranked.append((seen.counter or 0, seen.number or 0, oid))
        return max(ranked)[2] if ranked else ""


@dataclass(frozen=True)
class Local:
    """The earlier lives as a place that may hold sessions, like a replica."""

    lives: Sequence[Life]
    name: str = "local"

    def find(self, *, details: bool = False) -> tuple[Found, ...]:
        """The sessions whose snapshots lie here; with `details` those with something to bring, and what."""
        if not details:
            return tuple(Found(life.session, "", where=self.name) for life in self.lives)
        found = []
        for life in self.lives:
            with suppress(SessionError):  # somebody has it open: it is no earlier life yet
                if (tip := life.tip()) is not None:
                    counter = max(1, life.configuration.counter)
                    found.append(Found(life.session, "", tip.commit, tip.number, counter, self.name))
        return tuple(found)


def lives(address: Address, *, apart: Path | None = None) -> list[Life]:
    """The earlier lives of a repository's sessions on this machine, those that were set aside too.

    Args:
        address: The repository.
        apart: A session's folder that is in use, but for what was set aside in it.
    """
    found = []
    for places in all_places():
        if not places.is_running():
            directories = [*places.directory.glob(f"{EARLIER}*")]
            directories += [places.directory] if places.directory != apart else []
            found += [life for directory in directories for life in _life(directory, address)]
    return found


def _life(directory: Path, address: Address) -> Iterator[Life]:
    if not (directory / SHADOW).is_dir():
        return
    with suppress(OSError, ValueError, FormatError):
        configuration = Configuration.from_json(json.loads((directory / SETTINGS).read_bytes()))
        if configuration.address.key == address.key:
            yield Life(directory, configuration)


def set_aside(places: Places) -> None:
    """Make room for a new life of a session: what the one before left may never have left this machine."""
    places.create()
    if not places.shadow.exists():
        return
    aside = files.make_directory(places.directory / f"{EARLIER}{secrets.token_hex(4)}")
    if places.configuration.exists():
        shutil.copyfile(places.configuration, aside / SETTINGS)
    for place in (places.journal, places.shadow):
        if place.exists():
            place.rename(aside / place.name)
