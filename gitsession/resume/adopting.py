"""Opening a clone that stands there already: nothing in it is touched, and what is unsaved is saved first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gitsession.agent.configuration import Configuration
from gitsession.errors import SessionError
from gitsession.model import SessionName, default_session_name
from gitsession.resume import find
from gitsession.resume.ground import Ground
from gitsession.resume.looking import look
from gitsession.resume.opening import owner
from gitsession.resume.plan import Wanted, absent, newest_unfinished
from gitsession.resume.running import known
from gitsession.resume.wish import Brought, Wish


def adopt(ground: Ground, wish: Wish, variables: Mapping[str, str]) -> Brought:
    """Go on with the session whose agent died in this work tree, else begin one on the clone as it is.

    Args:
        ground: The clone and its repository.
        wish: What was asked for.
        variables: Those by which git reaches the remote.

    Raises:
        SessionError: The session that was named lies elsewhere and cannot be laid over this clone.
    """
    before = _before(ground, wish)
    if before is not None:
        return Brought(
            before.session,
            before.counter,
            resumed=True,
            published=before.published,
            opened_as=before.opened_as,
        )
    seen = look(ground, publish=wish.publish, runtime=wish.runtime, variables=variables)
    login = owner(wish.login, seen, wish.session)
    if wish.session is None:
        session = SessionName.parse(login, default_session_name(date.today()))
        return Brought(session, notes=_unfinished_elsewhere(ground, wish, seen, session))
    if any(wish.session in (entry.session.name, str(entry.session)) for entry in seen.found):
        raise _in_the_way(ground, wish.session)
    whose, _, name = wish.session.rpartition("/")
    if whose not in ("", login):
        raise absent(wish.session)
    return Brought(SessionName.parse(login, name))


def _before(ground: Ground, wish: Wish) -> Configuration | None:
    """The session that was led in this work tree last."""
    led = [
        configuration
        for _, configuration in known()
        if configuration.worktree == ground.worktree
        and configuration.address.key == ground.address.key
        and wish.session in (None, configuration.session.name, str(configuration.session))
        and configuration.places.shadow.exists()
    ]
    return max(
        led, key=lambda configuration: configuration.places.configuration.stat().st_mtime_ns, default=None
    )


def _unfinished_elsewhere(
    ground: Ground, wish: Wish, seen: find.Search, session: SessionName
) -> tuple[str, ...]:
    wanted = Wanted(session.login, None, session.name, running=wish.running)
    left = newest_unfinished([find.glimpse(entry) for entry in seen.found], wanted)
    if left is None:
        return ()
    return (
        f"Your session {left.name} is unfinished and is not in this clone, which is left as it is: this is "
        f"the new session {session.name}. To have the other one, open {ground.address} with "
        f"--session {left.name} and another --workdir.",
    )


def _in_the_way(ground: Ground, name: str) -> SessionError:
    return SessionError(
        f"The session {name} cannot be brought into {ground.worktree}, where a clone stands already.",
        safe="Nothing in it was touched.",
        hint="Open it with another --workdir, or open this clone without --session or under a new name.",
    )
