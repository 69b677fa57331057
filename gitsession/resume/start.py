"""`open`: attach to the session that runs in the work tree, else resume one, else begin one."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from gitsession.agent import control, launching
from gitsession.agent.configuration import load
from gitsession.agent.places import Places, home
from gitsession.resume.given import Given, token_for
from gitsession.resume.ground import Ground, glance, survey
from gitsession.resume.options import TUNNEL_AUTH, Options
from gitsession.resume.person import Person
from gitsession.resume.renewing import token_again
from gitsession.resume.reopening import editor_again
from gitsession.resume.room import check_room
from gitsession.resume.running import PING_TIMEOUT, attachable
from gitsession.resume.turn import in_turn
from gitsession.runtime import Runtime, detect
from gitsession.session import Session

STOP_TIMEOUT = 120.0


def start(options: Options, person: Person) -> Session:
    """Attach to the session that runs in the work tree, else resume one, else begin one.

    Args:
        options: What the person asked for.
        person: How they are spoken to.

    Raises:
        GitsessionError: See `gitsession.open`.
    """
    options = replace(options, tunnel_auth=options.tunnel_auth or os.environ.get(TUNNEL_AUTH) or None)
    options.check()
    runtime = detect(os.environ)
    seen = glance(options, runtime=runtime, environ=os.environ)
    running = attachable(seen.worktree, options.session)
    if running is not None and _is_of(running, seen) and _now_given(running, options, runtime).token is None:
        return _attach(running, options, runtime)
    ground = survey(options, runtime=runtime, environ=os.environ)
    with in_turn(ground.worktree):
        now = survey(options, runtime=runtime, environ=os.environ)  # another may have begun it meanwhile
        return _start(options, now, runtime, person)


def _is_of(running: Places, seen: Ground) -> bool:
    """Whether a session that runs in the work tree is of the repository that was named."""
    named = seen.address
    return load(running).address.key == named.key or (named.is_path and Path(named.url) == seen.worktree)


def _start(options: Options, ground: Ground, runtime: Runtime, person: Person) -> Session:
    running = attachable(ground.worktree, options.session)
    if running is None:
        given = token_for(options, ground.address, runtime, os.environ)
        return _begin(options, ground, runtime, given, person)
    given = _now_given(running, options, runtime)
    if given.token is None:
        return _attach(running, options, runtime)
    control.ask(running.keeper_socket, "stop", timeout=STOP_TIMEOUT, flush=True)
    return _begin(options, ground, runtime, given, person)


def _attach(running: Places, options: Options, runtime: Runtime) -> Session:
    told = token_again(running, options, runtime, os.environ)
    notes = editor_again(running, options, runtime, os.environ)
    return Session(running, resumed=True, notes=(*told, *notes))


def _now_given(places: Places, options: Options, runtime: Runtime) -> Given:
    """The token that a session lacked when it was opened: with it, the session is opened anew."""
    configuration = load(places)
    if configuration.publish or not options.publish:
        return Given()
    holds_one = control.ask(places.keeper_socket, "token", timeout=PING_TIMEOUT)["token"] is not None
    return Given() if holds_one else token_for(options, configuration.address, runtime, os.environ)


def _begin(options: Options, ground: Ground, runtime: Runtime, given: Given, person: Person) -> Session:
    """Attaching must be instant: what only a beginning needs is loaded here, while keeper and agent load.

    What takes longest begins first.
    """
    check_room(home(), *([] if ground.clone else [ground.worktree]))
    with launching.loading() as loaded:
        from gitsession.resume.account import stand
        from gitsession.resume.ahead import begin_ahead

        standing = stand(ground.address, options, given.token, os.environ)
        settled = replace(ground, address=standing.address, fork=standing.fork)
        begin_ahead(options, settled, standing, runtime, loaded)

        from gitsession.resume.beginning import begin

        launching.load_agent(loaded)
        return begin(options, settled, runtime, given, standing, person, loaded)
