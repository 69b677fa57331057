"""Going on from what is there: fetch, plan, put back, keep what went its own way, take the lead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial as later

from gitsession.errors import SessionError
from gitsession.git import partial, refs
from gitsession.model import SessionName
from gitsession.replicas.history import first_outside
from gitsession.replicas.lease import fork_name
from gitsession.replicas.remote import Remote
from gitsession.resume import bring, find
from gitsession.resume.beside import Beside, not_kept_yet
from gitsession.resume.contents import bring_contents
from gitsession.resume.ground import Ground
from gitsession.resume.lead import take_lead
from gitsession.resume.lives import Local
from gitsession.resume.looking import sources
from gitsession.resume.plan import Choice, Continue, Line, plan
from gitsession.resume.wish import Brought, Wish
from gitsession.snapshot import restore, state
from gitsession.snapshot.lfs import POINTER_ONLY
from gitsession.snapshot.shadow import Shadow


@dataclass(frozen=True)
class GoingOn:
    """A session that goes on from what is there, in a fresh clone."""

    ground: Ground
    wish: Wish
    seen: find.Search
    choice: Choice
    shadow: Shadow

    def through(self, variables: Mapping[str, str], done: list[Callable[[], None]]) -> Brought:
        """Fetch, plan, put back, keep what went its own way, take the lead.

        Args:
            variables: Those by which git reaches the remote.
            done: Gets what is to be done once the work tree stands.
        """
        wish, repository = self.wish, self.shadow.repository
        bring.make_known(self.shadow.user, repository)
        with sources(
            *(self.ground, wish.publish, wish.runtime, repository, variables),
            apart=self.shadow.directory.parent,
            known=self.seen.vault,
        ) as places:
            source = self.choice.source or self.choice.session
            lines, notes = self._fetched(places, source, variables)
            decided = plan(lines, find.containment(repository))
            if not isinstance(decided, Continue):
                raise _unreadable(source, notes)
            line = self._with_state(decided.line)
            self._have_contents(line, variables)
            notes.extend(put_back(line, self.shadow, wish.consent))
            beside = self._beside(places)
            if line.state:
                notes.extend(bring_contents(line.state, self.shadow, beside.vault, wish.lazy, wish.listen))
            if self.choice.resumes:
                notes.extend(self._keep(decided.others, beside, places))
                brought = self._lead(line, lines, beside)
            else:
                notes.append(_started_from(source, line, self.choice.session))
                brought = Brought(self.choice.session, resumed=True)
            done.extend(_consumed(places, lines, beside.failed))
            notes.extend(_still_standing(places, source))
        return replace(brought, notes=(*notes, *brought.notes))

    def _fetched(
        self, places: Sequence[find.Source], source: SessionName, variables: Mapping[str, str]
    ) -> tuple[list[Line], list[str]]:
        """The copies of the session; what they build on is brought first where the clone left it behind."""
        user, repository, listen = self.shadow.user, self.shadow.repository, self.wish.listen
        bring.have(user, ["HEAD", f"{refs.ORIGIN}{source.branch}"], variables, listen)
        self.shadow.adopt_objects()
        lines, notes = find.fetch(places, self.seen, source, repository)
        vault = find.vault_among(places)
        if partial.is_to_be_completed(user.repository) and (notes or (vault is not None and vault.skipped)):
            bring.have_all(user, variables, listen)
            self.shadow.adopt_objects()
            return find.fetch(places, self.seen, source, repository)
        return lines, notes

    def _have_contents(self, line: Line, variables: Mapping[str, str]) -> None:
        """Bring what the snapshot and the git state hold, and what both are compared with."""
        repository = self.shadow.repository
        roots = [line.snapshot, first_outside(repository, line.snapshot)]
        if line.state:
            told = state.read(repository, line.state)
            roots += [line.state, told.head.commit, *state.parents(repository, line.state)]
        named = [root for root in dict.fromkeys(roots) if root is not None]
        bring.have(self.shadow.user, named, variables, self.wish.listen, seen_from=repository)
        self.shadow.adopt_objects()

    def _with_state(self, line: Line) -> Line:
        """Snapshots of this machine may be newer than any state: then the newest one goes with them."""
        if line.where != "local" or not line.state:
            return line
        there = state.read(self.shadow.repository, line.state)
        if there.snapshot == line.snapshot:
            return line
        snapshot = (line.number, line.snapshot)
        renewed = state.renew(self.shadow.repository, line.state, there.lease, snapshot=snapshot)
        return replace(line, state=renewed)

    def _beside(self, places: Sequence[find.Source]) -> Beside:
        taken = {found.session for found in self.seen.found}
        remote = next((place for place in places if isinstance(place, Remote)), None)
        vault = find.vault_among(places)
        wish = self.wish
        return Beside(self.shadow, wish.runtime, remote, vault, taken, wish.max_file_size, wish.workflows)

    def _keep(self, others: Sequence[Line], beside: Beside, places: Sequence[find.Source]) -> list[str]:
        """Keep the copies that went their own way, but for those that an earlier fork holds already."""
        if not others:
            return []
        repository, session = self.shadow.repository, self.choice.session
        forks: list[Line] = []
        for fork in sorted({found.session for found in self.seen.found}, key=str):
            if fork.login == session.login and fork.name.startswith(f"{session.name}-fork-"):
                forks += find.fetch(places, self.seen, fork, repository)[0]
        apart = not_kept_yet(others, forks, find.containment(repository))
        return [beside.keep(other, session) for other in apart]

    def _lead(self, line: Line, lines: Sequence[Line], beside: Beside) -> Brought:
        session = self.choice.session
        if any(failed.where == "remote" for failed in beside.failed):
            # moving the remote's refs would drop what lies there: what is continued takes the other name
            return Brought(fork_name(session, beside.taken), resumed=True)
        remote = beside.remote and replace(beside.remote, session=session, visible=self.wish.visible)
        lead = take_lead(
            remote,
            session,
            lines,
            line.snapshot,
            beside.taken,
            runtime=self.wish.runtime,
            shadow=self.shadow,
            answered="remote" not in self.seen.failures,
        )
        return Brought(lead.session, lead.counter, True, lead.notes, published=lead.published)


def _unreadable(session: SessionName, notes: Sequence[str]) -> SessionError:
    return SessionError(
        f"The session {session.name} could not be read from anywhere.",
        safe="Nothing there was touched.",
        hint="; ".join(notes) or "Try again later.",
    )


def _started_from(source: SessionName, line: Line, session: SessionName) -> str:
    return (
        f"This is {session}, a session of your own. It starts from snapshot {line.number} of {source}, "
        "which goes on without you; nothing of it is touched."
    )


def _consumed(
    places: Sequence[find.Source], lines: Sequence[Line], failed: Sequence[Line]
) -> list[Callable[[], None]]:
    """What remembers, once all is in place, that the earlier lives on this machine were brought over."""
    brought = {line.snapshot for line in lines if line.where == "local"}
    kept = brought - {line.snapshot for line in failed}
    lives = [life for place in places if isinstance(place, Local) for life in place.lives]
    return [later(life.forget_if_in, kept) for life in lives]


def _still_standing(places: Sequence[find.Source], session: SessionName) -> list[str]:
    return [
        f"{life.configuration.worktree} still stands on this machine; "
        f"what was edited there after its last snapshot is only there."
        for place in places
        if isinstance(place, Local)
        for life in place.lives
        if life.session == session and life.stands
    ]


def put_back(line: Line, shadow: Shadow, consent: Callable[[str], bool]) -> list[str]:
    """Fill the work tree from a copy and put the git state on it, then let the shadow go on from there.

    Returns:
        A note for the person about each thing that was not put back.
    """
    user = shadow.user
    if not line.state:
        bring.index_of_head(user)
    restored = restore.restore(shadow.repository, line.snapshot, user.work_tree, fresh=True)
    refused: tuple[str, ...] = ()
    if line.state:
        refused = state.apply(line.state, shadow.repository, user, consent=consent).refused
    shadow.adopt(line.number, line.snapshot)
    return [
        *(
            f"{skipped.path} was not restored: {skipped.reason}"
            for skipped in restored.skipped
            if skipped.reason != POINTER_ONLY  # told once all is there: see `pointers`
        ),
        *(f"Left out, since it would run a program: {one}" for one in refused),
    ]
