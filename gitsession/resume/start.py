"""`open` from its parameters to a running agent: attach, else resume, else begin."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from gitsession import credentials, files
from gitsession.agent import control, keeper
from gitsession.agent.configuration import Configuration, Secrets, load
from gitsession.agent.places import Places, all_places, home
from gitsession.errors import AgentError, FormatError, SessionError
from gitsession.git.progress import Listen
from gitsession.model import parse_size
from gitsession.resume.access import access
from gitsession.resume.account import Standing, stand
from gitsession.resume.adopting import adopt
from gitsession.resume.ground import Ground, author, survey
from gitsession.resume.opening import Brought, Wish, bring_up, look
from gitsession.resume.options import Options
from gitsession.runtime import Runtime, detect
from gitsession.session import Session

READY_TIMEOUT = 30.0
PING_TIMEOUT = 5.0


def start(options: Options, listen: Listen | None, consent: Callable[[str], bool]) -> Session:
    """Attach to the session that runs in the work tree, else resume one, else begin one.

    Args:
        options: What the person asked for.
        listen: Told of git's progress.
        consent: Asked before something restored may later run a program.

    Raises:
        GitsessionError: See `gitsession.open`.
    """
    options.check()
    runtime = detect(os.environ)
    ground = survey(options, runtime=runtime, environ=os.environ)
    running = attachable(ground, options.session)
    if running is not None:
        return Session(running, resumed=True)
    return _begin(options, ground, runtime, listen, consent)


def known() -> list[tuple[Places, Configuration]]:
    """Every session of this machine whose configuration can be read, running or not."""
    found = []
    for places in all_places():
        with suppress(FormatError):
            found.append((places, load(places)))
    return found


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
            if name is not None and configuration.session.name != name:
                raise SessionError(
                    f"The session {configuration.session.name} is running in {ground.worktree}.",
                    safe="It goes on.",
                    hint="Close it first, or name another directory with --workdir.",
                )
            return places
    return None


def _begin(
    options: Options, ground: Ground, runtime: Runtime, listen: Listen | None, consent: Callable[[str], bool]
) -> Session:
    token = _token(options, ground)
    standing = stand(ground.address, options, token, os.environ)
    ground = replace(ground, address=standing.address, fork=standing.fork)
    with access(ground.address, ground.fork, token) as variables:
        wish = Wish(
            session=options.session,
            base=options.base or ground.address.ref,
            login=standing.login,
            publish=standing.publish,
            runtime=runtime_id(),
            consent=consent,
            listen=listen,
        )
        if ground.clone is not None:
            brought = adopt(ground, wish, [configuration for _, configuration in known()])
        else:
            seen = look(ground, publish=wish.publish, runtime=wish.runtime, variables=variables)
            brought = bring_up(ground, wish, seen, variables)
    configuration = _configuration(options, ground, wish, brought, standing, runtime)
    keeper.launch(configuration, Secrets(token.reveal() if token else None, options.password))
    _wait_until_ready(configuration.places)
    notes = (*runtime.notes, *standing.notes, *brought.notes)
    return Session(configuration.places, resumed=brought.resumed, notes=notes)


def _token(options: Options, ground: Ground) -> credentials.Token | None:
    if not ground.address.is_https:
        return None
    host = ground.address.host
    found = credentials.find_token(options.token, options.token_command, host, os.environ)
    return found or (credentials.ask_token(host) if sys.stdin and sys.stdin.isatty() else None)


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
        api_url=os.environ.get("GITHUB_API_URL") or "https://api.github.com",
        notify=options.notify,
    )


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
