"""From a repository's name to a work tree as it was left: look, choose, clone, restore."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from gitsession import files
from gitsession.agent.places import Places, home, session_key
from gitsession.errors import GitError, SessionError
from gitsession.git import Repository, plain
from gitsession.git.progress import Listen
from gitsession.model import SessionName, default_session_name
from gitsession.replicas.remote import Remote
from gitsession.replicas.vault import Vault
from gitsession.resume import bring, find
from gitsession.resume.ground import Ground, local_login
from gitsession.resume.lead import take_lead
from gitsession.resume.plan import Continue, Line, choose, fork_name, plan
from gitsession.snapshot import restore, state
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.user import discover

LOOKING = SessionName("nobody", "looking")


@dataclass(frozen=True)
class Wish:
    """What the person asked for, as far as coming back is concerned.

    Args:
        session: The session's name, if one was named.
        base: What a new session starts from.
        login: The GitHub login, None while GitHub cannot say it.
        publish: Whether the remote holds sessions at all; with False only the vault is looked at.
        runtime: The id of this life of this machine.
        consent: Asked before something restored may later run a program.
        listen: Told of git's progress.
    """

    session: str | None
    base: str | None
    login: str | None
    publish: bool
    runtime: str
    consent: Callable[[str], bool]
    listen: Listen | None


@dataclass(frozen=True)
class Brought:
    """A session that stands on this machine and waits for its agent.

    Args:
        session: Its owner and name.
        counter: How often it has been opened, this time included.
        resumed: It goes on from something that was there.
        notes: What the person should know.
    """

    session: SessionName
    counter: int = 1
    resumed: bool = False
    notes: tuple[str, ...] = ()


@contextmanager
def sources(
    ground: Ground, publish: bool, runtime: str, through: Repository, variables: Mapping[str, str]
) -> Iterator[list[find.Source]]:
    """The replicas that may hold sessions, the vault first since it needs no network."""
    found: list[find.Source] = []
    with ExitStack() as stack:
        if ground.storage is not None:
            vault = Vault(Path(ground.storage), ground.address, runtime, through)
            stack.callback(vault.close)
            found.append(vault)
        if publish:
            found.append(Remote(through, ground.fork or ground.address, LOOKING, credentials=variables))
        yield found


@contextmanager
def looking_glass() -> Iterator[Repository]:
    """An empty repository of ours for questions to replicas; it vanishes at the end of the block."""
    folder = files.make_directory(home() / "opening" / secrets.token_hex(8))
    try:
        plain("init", "--quiet", "--bare", "--", str(folder / "look.git"), cwd=folder)
        yield Repository(folder / "look.git")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def owner(login: str | None, seen: find.Search, named: str | None) -> str:
    """Whose session it is: GitHub's login, else the vault's only one, else the local user's name.

    Raises:
        SessionError: The vault holds sessions of several people, and none was named.
    """
    if login is not None:
        return login
    logins = sorted({found.session.login for found in seen.found if found.where == "vault"})
    if len(logins) > 1 and named is None:
        raise SessionError(
            f"The vault holds sessions of several people: {', '.join(logins)}.",
            safe="None of them was touched.",
            hint="Give a token, so that GitHub says who you are, or name a session with --session.",
        )
    if named is not None:
        holders = [found.session.login for found in seen.found if found.session.name == named]
        logins = sorted(set(holders)) or logins
    return logins[0] if len(logins) == 1 else local_login()


def look(ground: Ground, *, publish: bool, runtime: str, variables: Mapping[str, str]) -> find.Search:
    """One listing of the remote's refs and one of the vault's folder.

    Args:
        ground: The repository and its storage.
        publish: Whether the remote is asked at all.
        runtime: The id of this life of this machine.
        variables: Those by which git reaches the remote.
    """
    with looking_glass() as glass, sources(ground, publish, runtime, glass, variables) as replicas:
        return find.search(replicas)


def settle(wish: Wish, seen: find.Search) -> tuple[SessionName, bool]:
    """The session's owner and name, and whether it is there to be resumed."""
    login = owner(wish.login, seen, wish.session)
    found = choose([find.glimpse(entry) for entry in seen.found], login, wish.session)
    if found is not None:
        return found, True
    name = wish.session or default_session_name(date.today())
    return SessionName.parse(login, name), False


def bring_up(ground: Ground, wish: Wish, seen: find.Search, variables: Mapping[str, str]) -> Brought:
    """Make the work tree: the clone, then the session on top of it, then one rename.

    Raises:
        NotFoundError, AuthorisationError, GitError: The remote cannot be had, and no vault has the session.
        WorkTreeError: Something came to stand in the work tree's place meanwhile.
    """
    session, there = settle(wish, seen)
    places = Places(session_key(ground.address, session, ground.worktree), home())
    with bring.in_one_step(ground.worktree) as aside:
        notes = _make_repository(ground, wish, seen, aside, variables, needed=not there)
        user = discover(aside)
        if there:
            with Shadow.open(_fresh(places), user) as shadow:
                brought = _continue(ground, wish, seen, session, shadow, variables)
            return replace(brought, notes=(*notes, *brought.notes))
        _fresh(places)
        bring.check_out(user, wish.base)
        return Brought(session, notes=tuple(notes))


def _fresh(places: Places) -> Path:
    """The place of the shadow repository; one of an earlier life whose work tree is gone is set aside.

    It may hold snapshots that never left this machine, so it is not deleted.
    """
    places.create()
    earlier = secrets.token_hex(4)
    for place in (places.shadow, places.journal):
        if place.exists():
            place.rename(place.with_name(f"earlier-{earlier}-{place.name}"))
    return places.shadow


def _make_repository(
    ground: Ground,
    wish: Wish,
    seen: find.Search,
    aside: Path,
    variables: Mapping[str, str],
    *,
    needed: bool,
) -> list[str]:
    """Clone, or where the remote is out of reach and the vault suffices, begin an empty repository."""
    try:
        bring.clone(ground.address, aside, variables, wish.listen)
    except GitError as error:
        in_vault = any(found.where == "vault" for found in seen.found)
        if needed or not in_vault:
            raise bring.explained(error, ground.address) from None
        bring.begin(ground.address, aside)
        return [f"The remote could not be reached ({error.what}); this is what the vault holds."]
    return []


def _continue(
    ground: Ground,
    wish: Wish,
    seen: find.Search,
    session: SessionName,
    shadow: Shadow,
    variables: Mapping[str, str],
) -> Brought:
    with sources(ground, wish.publish, wish.runtime, shadow.repository, variables) as replicas:
        lines, notes = find.fetch(replicas, seen.found, session, shadow.repository)
        decided = plan(lines, find.containment(shadow.repository))
        if not isinstance(decided, Continue):
            raise SessionError(
                f"The session {session.name} could not be read from anywhere.",
                safe="Nothing there was touched.",
                hint="; ".join(notes) or "Try again later.",
            )
        notes.extend(put_back(decided.line, shadow, wish.consent))
        taken = [found.session for found in seen.found]
        if decided.other is not None:
            fork = fork_name(session, taken)
            notes.append(keep_beside(decided.other, fork, shadow))
            taken.append(fork)
        remote = next((replica for replica in replicas if isinstance(replica, Remote)), None)
        lead = take_lead(
            replace(remote, session=session) if remote else None,
            decided.line,
            next((copy for copy in lines if copy.where == "remote"), None),
            taken,
            runtime=wish.runtime,
            shadow=shadow,
        )
    return Brought(lead.session, lead.counter, True, (*notes, *lead.notes))


def put_back(line: Line, shadow: Shadow, consent: Callable[[str], bool]) -> list[str]:
    """Fill the work tree from a copy and put the git state on it, then let the shadow go on from there.

    Returns:
        A note for the person about each thing that was not put back.
    """
    restored = restore.restore(shadow.repository, line.snapshot, shadow.user.work_tree)
    applied = state.apply(line.state, shadow.repository, shadow.user, consent=consent)
    shadow.adopt(line.number, line.snapshot)
    return [
        *(f"{skipped.path} was not restored: {skipped.reason}" for skipped in restored.skipped),
        *(f"Left out, since it would run a program: {refused}" for refused in applied.refused),
    ]


def keep_beside(other: Line, name: SessionName, shadow: Shadow) -> str:
    """Keep a copy that went its own way under a name of its own; answers with the note for the person."""
    shadow.repository.run("update-ref", name.branch_ref, other.snapshot)
    shadow.repository.run("update-ref", name.state_ref, other.state)
    return (
        f"The {other.where} held other work of this session (snapshot {other.number}); "
        f"it is kept as {name.branch}."
    )
