"""From a repository's name to a work tree as it was left: choose, clone, restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from gitsession.agent.places import Places, home, session_key
from gitsession.errors import GitError, SessionError
from gitsession.model import default_session_name
from gitsession.resume import bring, find
from gitsession.resume.going_on import GoingOn
from gitsession.resume.ground import Ground, local_login
from gitsession.resume.lives import set_aside
from gitsession.resume.merged import over
from gitsession.resume.plan import Choice, Wanted, choose
from gitsession.resume.wish import Brought, Wish
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.user import discover

LARGE = 100_000_000  # bytes of repository from which older contents come after the work tree stands


def owner(login: str | None, seen: find.Search, named: str | None) -> str:
    """Who the person is: GitHub's login, else the vault's only one, else the local user's name.

    Raises:
        SessionError: The vault holds sessions of several people, and none was named.
    """
    if login is not None:
        return login
    own = [found.session for found in seen.found if found.where != "remote"]
    logins = {session.login for session in own}
    if len(logins) > 1 and named is None:
        raise SessionError(
            f"The vault holds sessions of several people: {', '.join(sorted(logins))}.",
            safe="None of them was touched.",
            hint="Give a token, so that GitHub says who you are, or name a session with --session.",
        )
    if named is not None:
        logins = {session.login for session in own if named in (session.name, str(session))} or logins
    return logins.pop() if len(logins) == 1 else local_login()


def settle(wish: Wish, seen: find.Search) -> Choice:
    """The session to go on with or to begin, and the one that it goes on from."""
    wanted = _wanted(wish, seen)
    lines = [find.glimpse(entry) for entry in seen.found]
    return choose(lines if wish.session else over(lines, wanted, wish.is_merged), wanted)


def _wanted(wish: Wish, seen: find.Search) -> Wanted:
    stem = f"pull-{wish.pull}" if wish.pull is not None else ""
    return Wanted(
        login=owner(wish.login, seen, wish.session),
        name=wish.session,
        fresh=stem or default_session_name(date.today()),
        stem=stem,
        take_over=wish.take_over,
        leads=wish.leads,
        running=wish.running,
    )


def bring_up(ground: Ground, wish: Wish, seen: find.Search, variables: Mapping[str, str]) -> Brought:
    """Make the work tree: the clone, then the session on top of it, then one rename.

    Raises:
        NotFoundError, AuthorisationError, GitError: The remote cannot be had, and no vault has the session.
        WorkTreeError: Something came to stand in the work tree's place meanwhile.
    """
    choice = settle(wish, seen)
    places = Places(session_key(ground.address, choice.session, ground.worktree), home())
    done: list[Callable[[], None]] = []
    with bring.in_one_step(ground.worktree) as aside:
        notes = _make_repository(ground, wish, seen, aside, variables, needed=choice.source is None)
        user = discover(aside)
        set_aside(places)
        if choice.source is None:
            _refuse_blindly_begun(ground, wish, seen)
            bring.check_out(user, wish.base, pull=wish.pull, variables=variables, listen=wish.listen)
            brought = Brought(choice.session)
        else:
            with Shadow.open(places.shadow, user) as shadow:
                going_on = GoingOn(ground, wish, seen, choice, shadow)
                brought = going_on.through(variables, done)
    for step in done:
        step()
    notes += [] if notes else _not_asked(seen, begun=choice.source is None)
    return replace(brought, notes=(*_merged(wish, seen), *notes, *brought.notes))


def _refuse_blindly_begun(ground: Ground, wish: Wish, seen: find.Search) -> None:
    """A remote that can be cloned can be asked too: no session is begun beside one that it may hold."""
    error = seen.failures.get("remote")
    if isinstance(error, GitError):
        raise bring.explained(error, ground.address, wish.network_hint)
    if error is not None:
        raise error


def _not_asked(seen: find.Search, *, begun: bool) -> list[str]:
    """What is said of places that could not be asked for sessions."""
    beside = "If it holds a session of yours, `gitsession open --session NAME` has it once it answers."
    ahead = "What only it holds is not here now; it stays where it is."
    return [
        f"The {name} could not be asked for sessions: {error.what} {beside if begun else ahead}"
        for name, error in seen.failures.items()
    ]


def _merged(wish: Wish, seen: find.Search) -> list[str]:
    """What is said of sessions that would be resumed, had their pull requests not been merged."""
    lines = [find.glimpse(entry) for entry in seen.found]
    told = lines if wish.session else over(lines, _wanted(wish, seen), wish.is_merged)
    pairs = zip(lines, told, strict=True)
    names = dict.fromkeys(new.session.name for old, new in pairs if new.finished and not old.finished)
    return [
        f"The pull request of {name} was merged, so that session is over; this is a new one from the base. "
        f"--session {name} goes on with the old one."
        for name in names
    ]


def _make_repository(
    ground: Ground,
    wish: Wish,
    seen: find.Search,
    aside: Path,
    variables: Mapping[str, str],
    *,
    needed: bool,
) -> list[str]:
    """Clone, or where the remote is out of reach and another place suffices, begin an empty repository."""
    try:
        bring.clone(ground.address, aside, variables, wish.listen, contents=wish.size < LARGE)
    except GitError as error:
        elsewhere = any(found.where != "remote" for found in seen.found)
        if needed or not elsewhere:
            raise bring.explained(error, ground.address, wish.network_hint) from None
        bring.begin(ground.address, aside)
        return [f"The remote could not be reached ({error.what}); this is what was kept elsewhere."]
    return []
