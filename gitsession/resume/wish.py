"""What the person asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitsession.git.progress import Listen
from gitsession.model import SessionName


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
        pull: The pull request whose head a new session starts from; it has sessions of its own.
        take_over: Another person's session is taken, not started from.
        leads: Whether a lease may be taken: not by a run that nobody watches.
        running: Sessions that an agent on this machine leads already.
        visible: Whether the session branch is pushed beside the state ref.
        max_file_size: Bytes above which a file may not leave for the remote.
        workflows: Whether `.github/workflows` may be pushed, unless GitHub is known to refuse it.
        lazy: Patterns of kept files that stay in the vault.
        is_merged: Whether a session's pull request was merged; such a one is not resumed unnamed.
        network_hint: What to do on this machine where no network is to be had.
        size: Bytes of the whole repository as GitHub tells them; 0 where it does not.
    """

    session: str | None
    base: str | None
    login: str | None
    publish: bool
    runtime: str
    consent: Callable[[str], bool]
    listen: Listen | None
    pull: int | None = None
    take_over: bool = False
    leads: bool = True
    running: frozenset[SessionName] = frozenset()
    visible: bool = True
    max_file_size: int = 50_000_000
    workflows: bool = True
    lazy: tuple[str, ...] = ()
    is_merged: Callable[[SessionName], bool] = lambda _: False
    network_hint: str = "Check the network."
    size: int = 0


@dataclass(frozen=True)
class Brought:
    """A session that stands on this machine and waits for its agent.

    Args:
        session: Its owner and name.
        counter: How often it has been opened, this time included.
        resumed: It goes on from something that was there.
        notes: What the person should know.
        published: What the remote is known to have of it: `branch`, `state`, or nothing.
        opened_as: The name under which its local state lies, where that is another one.
    """

    session: SessionName
    counter: int = 1
    resumed: bool = False
    notes: tuple[str, ...] = ()
    published: str = ""
    opened_as: SessionName | None = None
