"""Opening a clone that stands there already: nothing in it is touched, and what is unsaved is saved first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from gitsession.agent.configuration import Configuration
from gitsession.model import SessionName, default_session_name
from gitsession.resume.ground import Ground, local_login
from gitsession.resume.opening import Brought, Wish


def adopt(ground: Ground, wish: Wish, known: Sequence[Configuration]) -> Brought:
    """Go on with the session whose agent died in this work tree, else begin one on the clone as it is.

    Args:
        ground: The clone and its repository.
        wish: What was asked for.
        known: The sessions that have local state here.
    """
    before = [
        configuration
        for configuration in known
        if configuration.worktree == ground.worktree
        and configuration.address.key == ground.address.key
        and wish.session in (None, configuration.session.name)
        and configuration.places.shadow.exists()
    ]
    if before:
        latest = max(before, key=lambda configuration: configuration.places.configuration.stat().st_mtime_ns)
        return Brought(latest.session, latest.counter, resumed=True)
    name = wish.session or default_session_name(date.today())
    return Brought(SessionName.parse(wish.login or local_login(), name))
