"""Which sessions of a repository are over, and removing what is finished, merged and needed nowhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from gitsession.address import Address
from gitsession.errors import GitsessionError
from gitsession.git import Repository, transfer
from gitsession.model import SessionName
from gitsession.replicas.base import Found
from gitsession.replicas.clearance import Clearance
from gitsession.replicas.remote import Remote
from gitsession.replicas.vault import Vault
from gitsession.resume import find
from gitsession.resume.ground import Ground
from gitsession.resume.looking import looking_glass, sources
from gitsession.resume.merged import NewestPull
from gitsession.resume.plan import Continue, plan
from gitsession.snapshot import state
from gitsession.snapshot.state import kept

HEAD = "refs/gitsession-fetched/head"


@dataclass(frozen=True)
class Over:
    """A session of the person's that is finished.

    Args:
        session: Its owner and name.
        why: Why it may go, such as `merged as #4`; or why it stays.
        goes: Whether it may go.
        where: The places that hold it.
        refs: What the remote holds of it, as it was when this was found out.
        marked: An earlier runtime marked it in the vault already, so that it can be removed there.
    """

    session: SessionName
    why: str
    goes: bool
    where: tuple[str, ...] = ()
    refs: Mapping[str, str] = field(default_factory=dict)
    marked: bool = False


@dataclass(frozen=True)
class Pruned:
    """What came of it.

    Args:
        removed: Sessions of which nothing is left but what is on this machine.
        marked: Sessions whose part in the vault goes in a later runtime.
        notes: What did not work, in sentences.
    """

    removed: tuple[SessionName, ...]
    marked: tuple[SessionName, ...]
    notes: tuple[str, ...]


@dataclass
class Pruning:
    """One look at a repository's places, with what may be removed from them.

    Args:
        running: Sessions that an agent on this machine leads.
        pull: The newest pull request of a session, where there is somebody to ask.
        runtime: The id of this life of this machine.
        glass: An empty repository for what must be compared.
        base: The repository whose default branch things are merged into.
        places: Where to look.
        seen: What they hold.
    """

    running: frozenset[SessionName]
    pull: NewestPull
    runtime: str
    glass: Repository
    base: Address
    places: Sequence[find.Source]
    seen: find.Search

    def over(self, login: str) -> tuple[Over, ...]:
        """A person's finished sessions, each with what becomes of it and why."""
        done = {found.session for found in self.seen.found if found.finished}
        own = sorted((session for session in done if session.login == login), key=str)
        return tuple(self._look_at(session) for session in own)

    def remove(self, sessions: Collection[Over]) -> Pruned:
        """Remove sessions from the remote, and from the vault those that an earlier runtime marked.

        The others are marked there. What has moved since it was looked at stays, and is noted.
        """
        removed: list[SessionName] = []
        notes: list[str] = []
        for each in sessions:
            try:
                if self._remote is not None and each.refs:
                    self._remote.remove(each.refs)
                removed.append(each.session)
            except GitsessionError as error:
                notes.append(f"{each.session} stays: {error.what}")
        going = [each for each in sessions if each.session in removed and "vault" in each.where]
        marked: list[SessionName] = []
        try:
            marked = self._clear(going)
        except GitsessionError as error:
            notes.append(f"The vault keeps its part for now: {error.what}")
            marked = [each.session for each in going]
        return Pruned(tuple(each for each in removed if each not in marked), tuple(marked), tuple(notes))

    @cached_property
    def _clearance(self) -> Clearance | None:
        vault = next((place for place in self.places if isinstance(place, Vault)), None)
        return None if vault is None or "vault" in self.seen.failures else Clearance.of(vault)

    @cached_property
    def _remote(self) -> Remote | None:
        return next((place for place in self.places if isinstance(place, Remote)), None)

    def _look_at(self, session: SessionName) -> Over:
        copies = [found for found in self.seen.found if found.session == session]
        where = tuple(sorted({found.where for found in copies}))
        if (why := self._stays(session, copies)) is not None:
            return Over(session, why, False, where)
        by = self._clearance.marked_by(session) if self._clearance is not None else frozenset[str]()
        held = any(found.where == "remote" for found in copies)
        if by and not held:
            marked = bool(by - {self.runtime})
            why = "marked before" if marked else "marked in this runtime: a later one removes it"
            return Over(session, why, marked, where, marked=marked)
        try:
            why, goes = self._was_merged(session)
            refs = self._refs_of(session, goes) if held else {}
        except GitsessionError as error:
            return Over(session, f"it could not be looked at: {error.what}", False, where)
        return Over(session, why, goes, where, refs, marked=bool(by - {self.runtime}))

    def _stays(self, session: SessionName, copies: Sequence[Found]) -> str | None:
        if session in self.running:
            return "it runs on this machine"
        if any(found.where == "remote" and not found.finished for found in copies):
            return "it is not finished on the remote"
        if failed := [name for name in self.seen.failures if name != "vault"]:
            return f"the {failed[0]} could not be asked"
        return None

    def _was_merged(self, session: SessionName) -> tuple[str, bool]:
        """Whether all of a session has been merged, and how that is known.

        Raises:
            GitsessionError: A place does not answer.
        """
        self._bring_base()
        lines, notes = find.fetch(self.places, self.seen, session, self.glass)
        if notes:
            return notes[0], False
        decided = plan(lines, find.containment(self.glass))
        if not isinstance(decided, Continue) or decided.others:
            return "it holds work that went its own way: open it once, to have that kept", False
        if any(not line.finished and line.number > self._finished_at(session) for line in lines):
            return "something was saved after it was finished", False
        pull = self.pull(session)
        if pull is not None and pull.merged:
            return f"merged as #{pull.number}", True
        if self.glass.text("rev-parse", f"{decided.line.snapshot}^{{tree}}") in self._merged_trees:
            return "its files are on the default branch", True
        return "it is not merged" if pull is None else f"#{pull.number} is not merged", False

    def _finished_at(self, session: SessionName) -> int:
        return max(one.number or 0 for one in self.seen.found if one.session == session and one.finished)

    def _bring_base(self) -> None:
        if (
            self._remote is not None
            and self.glass.run("rev-parse", "-q", "--verify", HEAD, accept=(0, 1)).code
        ):
            transfer.fetch(
                self.glass,
                self.base.url,
                [f"+HEAD:{HEAD}"],
                variables=self._remote.credentials,
                timeout=transfer.CLONE_TIMEOUT,
            )

    @cached_property
    def _merged_trees(self) -> frozenset[str]:
        """Every tree that the default branch ever had: what was merged, squashed or not, is among them."""
        if self._remote is None:
            return frozenset()
        return frozenset(self.glass.text("log", "--format=%T", HEAD, "--").split())

    def _refs_of(self, session: SessionName, goes: bool) -> Mapping[str, str]:
        """What goes from the remote; a session branch that somebody moved, and the plots of reviews, stay."""
        if self._remote is None or not goes:
            return {}
        review = f"refs/heads/{session.review_branch}"
        listed = self._remote.refs.listed(session.done_ref, session.branch_ref, review)
        there = state.read(self.glass, listed[session.done_ref]) if session.done_ref in listed else None
        if there is None or listed.get(session.branch_ref, there.snapshot) != there.snapshot:
            listed.pop(session.branch_ref, None)
        pull = self.pull(session)
        if pull is None or not pull.merged:
            listed.pop(review, None)
        return listed

    def _clear(self, sessions: Sequence[Over]) -> list[SessionName]:
        """Remove from the vault what was marked before, mark the rest; answers with the marked."""
        if self._clearance is None or not sessions:
            return [each.session for each in sessions]
        alone = self._alone({each.session for each in sessions})
        ripe = {each.session for each in sessions if each.marked and self._is_ripe(alone[each.session])}
        fresh = [each.session for each in sessions if each.session not in ripe]
        staying = frozenset().union(*(alone[session] for session in fresh))
        for session in fresh:
            self._clearance.mark(session, alone[session])
        for session in ripe:
            self._clearance.remove(session, alone[session] - staying)
        if ripe:
            self._clearance.remove_history()
        return fresh

    def _is_ripe(self, contents: frozenset[str]) -> bool:
        return self._clearance is not None and self._clearance.is_condemned(contents)

    def _alone(self, going: set[SessionName]) -> dict[SessionName, frozenset[str]]:
        """The contents of `held/` that only sessions name which go; the others get their names back."""
        assert self._clearance is not None
        needed = self._needed(going)
        if needed is None:
            return dict.fromkeys(going, frozenset())
        self._clearance.reprieve(needed)
        return {session: (self._contents(session) or frozenset()) - needed for session in going}

    def _needed(self, going: set[SessionName]) -> frozenset[str] | None:
        """The contents of `held/` that sessions which stay name; None where one of them cannot be read."""
        assert self._clearance is not None
        contents = [self._contents(s) for s in self._clearance.listing.sessions if s not in going]
        return None if None in contents else frozenset().union(*(each or () for each in contents))

    def _contents(self, session: SessionName) -> frozenset[str] | None:
        assert self._clearance is not None
        states = self._clearance.states(session, self.glass)
        if states is None:
            return None
        named = {item.sha256 for commit in states for item in state.read(self.glass, commit).held}
        named |= {item.sha256 for commit in states for item in kept.read(self.glass, commit).files}
        return frozenset(named - {""})


@contextmanager
def pruning(
    ground: Ground,
    running: frozenset[SessionName],
    pull: NewestPull,
    *,
    runtime: str,
    variables: Mapping[str, str],
) -> Iterator[Pruning]:
    """Look at every place that may hold the repository's sessions.

    Args:
        ground: The repository and its storage.
        running: Sessions that an agent on this machine leads.
        pull: The newest pull request of a session, where there is somebody to ask.
        runtime: The id of this life of this machine.
        variables: Those by which git reaches the remote.
    """
    with looking_glass() as glass, sources(ground, True, runtime, glass, variables) as places:
        yield Pruning(running, pull, runtime, glass, ground.address, places, find.search(places))
