"""`open` from its parameters to a running agent: attach, else resume, else begin."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gitsession import files
from gitsession.address import Address
from gitsession.agent import control, keeper
from gitsession.agent.configuration import Configuration, Secrets, load
from gitsession.agent.places import Places, home
from gitsession.errors import AgentError, AuthorisationError, NotFoundError, SessionError
from gitsession.git.progress import Listen
from gitsession.model import SessionName, parse_size
from gitsession.resume.access import access
from gitsession.resume.account import Standing, is_github, stand
from gitsession.resume.adopting import adopt
from gitsession.resume.given import (
    Given,
    settle_storage,
    together,
    token_for,
    tunnel_token,
    without_token,
)
from gitsession.resume.ground import Ground, author, survey
from gitsession.resume.lives import known
from gitsession.resume.looking import look
from gitsession.resume.opening import bring_up, settle
from gitsession.resume.options import Options
from gitsession.resume.wish import Brought, Wish
from gitsession.runtime import Runtime, detect
from gitsession.session import Session

READY_TIMEOUT = 30.0
PING_TIMEOUT = 5.0
STOP_TIMEOUT = 120.0


@dataclass(frozen=True)
class Person:
    """How the person who opens is spoken to.

    Args:
        listen: Told of git's progress.
        consent: Asked before something restored may later run a program.
        tell: Says what they must know before their platform asks them something.
    """

    listen: Listen | None
    consent: Callable[[str], bool]
    tell: Callable[[str], None]


def start(options: Options, person: Person) -> Session:
    """Attach to the session that runs in the work tree, else resume one, else begin one.

    Args:
        options: What the person asked for.
        person: How they are spoken to.

    Raises:
        GitsessionError: See `gitsession.open`.
    """
    options.check()
    runtime = detect(os.environ)
    ground = survey(options, runtime=runtime, environ=os.environ)
    running = attachable(ground, options.session)
    if running is None:
        given = token_for(options, ground.address, runtime, os.environ)
        return _begin(options, ground, runtime, given, person)
    given = _now_given(running, options, ground, runtime)
    if given.token is None:
        return Session(running, resumed=True)
    control.ask(running.keeper_socket, "stop", timeout=STOP_TIMEOUT, flush=True)
    return _begin(options, ground, runtime, given, person)


def _now_given(places: Places, options: Options, ground: Ground, runtime: Runtime) -> Given:
    """The token that a session lacked when it was opened: with it, the session is opened anew."""
    if load(places).publish or not options.publish:
        return Given()
    holds_one = control.ask(places.keeper_socket, "token", timeout=PING_TIMEOUT)["token"] is not None
    return Given() if holds_one else token_for(options, ground.address, runtime, os.environ)


def is_running(places: Places) -> bool:
    """Whether the session's agent answers."""
    if not places.agent_socket.exists():
        return False
    try:
        control.ask(places.agent_socket, "ping", timeout=PING_TIMEOUT)
    except AgentError:
        return False
    return True


def attachable(ground: Ground, name: str | None) -> Places | None:
    """The session that runs in this work tree, None when none does.

    Raises:
        SessionError: It is another one than the one asked for.
    """
    for places, configuration in known():
        if configuration.worktree == ground.worktree and is_running(places):
            if name not in (None, configuration.session.name, str(configuration.session)):
                raise SessionError(
                    f"The session {configuration.session.name} is running in {ground.worktree}.",
                    safe="It goes on.",
                    hint="Close it first, or name another directory with --workdir.",
                )
            return places
    return None


def running_elsewhere(ground: Ground) -> frozenset[SessionName]:
    """The repository's sessions that an agent on this machine leads in another work tree."""
    return frozenset(
        configuration.session
        for places, configuration in known()
        if configuration.address.key == ground.address.key and is_running(places)
    )


def _begin(options: Options, ground: Ground, runtime: Runtime, given: Given, person: Person) -> Session:
    token = given.token
    standing = stand(ground.address, options, token, os.environ)
    ground = replace(ground, address=standing.address, fork=standing.fork)
    with access(ground.address, ground.fork, token) as variables:
        wish = Wish(
            session=options.session,
            base=options.base or ground.address.ref,
            login=standing.login,
            publish=standing.publish,
            runtime=runtime_id(),
            consent=person.consent,
            listen=person.listen,
            pull=ground.address.pull,
            take_over=options.take_over,
            leads=runtime.interactive,
            running=running_elsewhere(ground),
            visible=options.branch == "visible",
            max_file_size=parse_size(options.max_file_size),
            lazy=tuple(options.lazy),
        )
        try:
            ground, brought = _bring(options, ground, runtime, wish, variables, person)
        except (AuthorisationError, NotFoundError) as error:
            raise without_token(error, given, ground.address) from None
    configuration = _configuration(options, ground, wish, brought, standing, runtime)
    tunnel = tunnel_token(options, runtime, os.environ)
    keeper.launch(configuration, Secrets(token.reveal() if token else None, options.password, tunnel))
    _wait_until_ready(configuration.places)
    trouble = (str(given.trouble),) if given.trouble and token is None and options.publish else ()
    notes = (*runtime.notes, *trouble, *standing.notes, *brought.notes)
    return Session(configuration.places, resumed=brought.resumed, notes=notes)


def _bring(
    options: Options,
    ground: Ground,
    runtime: Runtime,
    wish: Wish,
    variables: Mapping[str, str],
    person: Person,
) -> tuple[Ground, Brought]:
    """The work tree with the session in it; the person is asked for their storage last."""
    settle_with = partial(settle_storage, options, runtime=runtime, environ=os.environ, tell=person.tell)
    if ground.clone is not None:
        storage = settle_with(ground=ground, remote_holds_it=False)
        brought = adopt(storage.ground, wish, variables)
    else:
        seen = look(ground, publish=wish.publish, runtime=wish.runtime, variables=variables)
        storage = settle_with(ground=ground, remote_holds_it=settle(wish, seen).source is not None)
        if storage.ground.storage != ground.storage:
            vault = look(storage.ground, publish=False, runtime=wish.runtime, variables={})
            seen = together((seen, vault))
        brought = bring_up(storage.ground, wish, seen, variables)
    return storage.ground, replace(brought, notes=(*storage.notes, *brought.notes))


def _configuration(
    options: Options,
    ground: Ground,
    wish: Wish,
    brought: Brought,
    standing: Standing,
    runtime: Runtime,
) -> Configuration:
    return Configuration(
        address=ground.address,
        session=brought.session,
        worktree=ground.worktree,
        runtime=wish.runtime,
        author=author(ground.worktree, brought.session.login, standing.identity),
        storage=ground.storage,
        fork=ground.fork,
        publish=wish.publish,
        visible=options.branch == "visible",
        branches=options.branches,
        counter=brought.counter,
        keep=tuple(options.keep),
        lazy=tuple(options.lazy),
        max_file_size=parse_size(options.max_file_size),
        max_remote_size=parse_size(options.max_remote_size),
        deadline=runtime.deadline(options.lifetime),
        token_command=options.token_command,
        server_url=os.environ.get("GITHUB_SERVER_URL") or "https://github.com",
        api_url=_api_url(ground.address),
        notify=options.notify,
        opened_as=brought.opened_as,
    )


def _api_url(address: Address) -> str:
    """The REST API of a GitHub repository's server; empty where there is none."""
    if not is_github(address, os.environ):
        return ""
    from gitsession.hub import api_url

    return api_url(address.host, os.environ)


def runtime_id() -> str:
    """The id of this life of this machine: one per `GITSESSION_HOME` and boot."""
    boot = _boot_id()
    place = home() / "runtime"
    with suppress(OSError, ValueError):
        identity, since = place.read_text().split()
        if since == boot:
            return identity
    identity = secrets.token_hex(6)
    files.make_directory(home())
    files.write_atomically(place, f"{identity} {boot}\n".encode())
    return identity


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def _wait_until_ready(places: Places) -> None:
    """Wait for the agent's first look at the work tree, so that `status` has something to say.

    Raises:
        AgentError: It does not come up; its log says why.
    """
    until = time.monotonic() + READY_TIMEOUT
    while time.monotonic() < until:
        if is_running(places):
            with suppress(AgentError):
                if (
                    control.ask(places.agent_socket, "status", timeout=PING_TIMEOUT)["status"]["state"]
                    != "starting"
                ):
                    return
        time.sleep(0.02)
    raise AgentError(
        "The session's background process did not come up.",
        safe="Your files are in place; nothing saves them yet.",
        hint=f"Look into {places.log}, then run `gitsession open` again.",
    )
