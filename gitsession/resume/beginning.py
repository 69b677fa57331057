"""Resuming or beginning a session, up to a running agent."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from gitsession import files, run
from gitsession.address import Address, github_server
from gitsession.agent import control, launching
from gitsession.agent.configuration import Configuration, Secrets
from gitsession.agent.places import Places, home, local_state
from gitsession.errors import AgentError, AuthorisationError, NotFoundError
from gitsession.model import parse_size
from gitsession.resume.access import access
from gitsession.resume.account import Standing, is_github
from gitsession.resume.adopting import adopt
from gitsession.resume.ahead import wanted
from gitsession.resume.editor import BesideTheClone
from gitsession.resume.find import together
from gitsession.resume.given import (
    Given,
    Storage,
    settle_storage,
    tunnel_token,
    without_token,
)
from gitsession.resume.ground import Ground, author
from gitsession.resume.looking import ask_again, look, looking
from gitsession.resume.merged import asked_of
from gitsession.resume.opening import bring_up, settle
from gitsession.resume.options import Options
from gitsession.resume.person import Person
from gitsession.resume.pointers import pointers_told
from gitsession.resume.running import PING_TIMEOUT, await_editor, is_running, running_elsewhere
from gitsession.resume.wish import Brought, Wish
from gitsession.runtime import Runtime
from gitsession.session import Session
from gitsession.snapshot.user import discover

READY_TIMEOUT = 60.0


def begin(
    options: Options,
    ground: Ground,
    runtime: Runtime,
    given: Given,
    standing: Standing,
    person: Person,
    loaded: run.Process,
) -> Session:
    """Bring the repository and its session here and start the agent.

    Args:
        options: What the person asked for.
        ground: Where the session will stand, at the address that GitHub knows it by.
        runtime: The kind of machine this is.
        given: The token.
        standing: How the person stands to the repository.
        person: How they are spoken to.
        loaded: The keeper to start, as `launching.loading` gave it.

    Raises:
        GitsessionError: See `gitsession.open`.
    """
    watched = options if runtime.interactive else replace(options, editor=None)
    with BesideTheClone(watched, person.listen) as beside:
        return _begin(options, ground, runtime, given, standing, person, beside, loaded)


def _begin(
    options: Options,
    ground: Ground,
    runtime: Runtime,
    given: Given,
    standing: Standing,
    person: Person,
    beside: BesideTheClone,
    loaded: run.Process,
) -> Session:
    token = given.token
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
            running=running_elsewhere(ground.address),
            visible=options.branch == "visible",
            max_file_size=parse_size(options.max_file_size),
            workflows=standing.workflows,
            lazy=tuple(options.lazy),
            is_merged=asked_of(standing, token, os.environ),
            network_hint=runtime.network_hint,
            size=standing.size,
        )
        try:
            ground, brought = _bring(options, ground, runtime, wish, variables, person, beside)
        except (AuthorisationError, NotFoundError) as error:
            raise without_token(error, given, ground.address) from None
    configuration = _configuration(options, ground, wish, brought, standing, runtime)
    editor = wanted(options, ground, standing, runtime, os.environ)
    if editor is not None:
        editor = beside.settings_into(configuration, editor)
        configuration = replace(configuration, editor=editor.to_json())
    tunnel = tunnel_token(options, runtime, os.environ)
    handed = Secrets(token.reveal() if token else None, options.password, tunnel, options.tunnel_auth)
    launching.launch(configuration, handed, loaded)
    _wait_until_ready(configuration.places)
    if brought.resumed:
        control.ask(configuration.places.agent_socket, "resumed", timeout=PING_TIMEOUT)
    trouble = (str(given.trouble),) if given.trouble and token is None and options.publish else ()
    waited = await_editor(configuration.places) if editor else ()
    pointers = pointers_told(discover(ground.worktree))
    notes = (*runtime.notes, *trouble, *standing.notes, *brought.notes, *pointers, *beside.notes, *waited)
    return Session(configuration.places, resumed=brought.resumed, notes=notes)


def _bring(
    options: Options,
    ground: Ground,
    runtime: Runtime,
    wish: Wish,
    variables: Mapping[str, str],
    person: Person,
    beside: BesideTheClone,
) -> tuple[Ground, Brought]:
    """The work tree with the session in it; the person is asked for their storage last."""

    def settle_with(remote_holds_it: bool) -> Storage:  # a partial would show the environment in a traceback
        return settle_storage(
            options,
            ground,
            runtime,
            environ=os.environ,
            remote_holds_it=remote_holds_it,
            tell=person.tell,
        )

    if ground.clone is not None:
        storage = settle_with(False)
        beside.start(storage.ground)
        brought = adopt(storage.ground, wish, variables)
        return storage.ground, replace(brought, notes=(*storage.notes, *brought.notes))
    with looking(ground, publish=wish.publish, runtime=wish.runtime, variables=variables) as looked:
        seen, held = looked, settle(wish, looked).source is not None
        if not held:
            seen = ask_again(looked, ground, runtime=wish.runtime, variables=variables)
            held = settle(wish, seen).source is not None
        storage = settle_with(held)
        beside.start(storage.ground)
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
        published=brought.published,
        keep=tuple(options.keep),
        lazy=tuple(options.lazy),
        max_file_size=parse_size(options.max_file_size),
        max_remote_size=parse_size(options.max_remote_size),
        deadline=runtime.deadline(options.lifetime),
        token_command=options.token_command,
        server_url=github_server(os.environ),
        api_url=_api_url(ground.address),
        notify=options.notify,
        opened_as=brought.opened_as,
        workflows=standing.workflows,
        noreply=standing.identity.email if standing.identity else None,
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
    with local_state() as root:
        files.make_directory(root)
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
