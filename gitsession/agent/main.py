"""The agent's process: started by the keeper, ended by it, by a signal, or when the keeper is gone."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import suppress

from gitsession import hooks, run
from gitsession.agent import configuration as settings
from gitsession.agent.compose import compose
from gitsession.agent.control import Server
from gitsession.agent.editor import SessionEditor
from gitsession.agent.log import Log
from gitsession.agent.operations import Operations
from gitsession.agent.places import Places, home
from gitsession.agent.recall import recall
from gitsession.agent.service import Agent
from gitsession.editor.invocation import Begun
from gitsession.git import own

LAST_FLUSH = 20.0  # seconds for what is not saved yet when a signal comes or the keeper is gone
CRASHED = 1


def main() -> int:
    """Run the agent of the session whose key comes as a line on standard input, with its begun editor."""
    os.umask(0o077)
    key, _, begun = sys.stdin.readline().strip().partition(" ")
    if not key:  # the keeper is gone, or had no session to run
        return CRASHED
    places = Places(key, home())
    log = Log(places.log)
    try:
        return serve(places, log, Begun.parse(begun))
    except BaseException as error:
        log.failure("agent failed", error)
        return CRASHED


def serve(places: Places, log: Log, begun: Begun | None) -> int:
    """Build the agent, answer on its socket, and save until it is told to end."""
    agent = compose(settings.load(places), places, log)
    editor = SessionEditor(agent, begun)
    server = Server(
        places.agent_socket, Operations(agent, editor).table(), lambda error: log.failure("mistake", error)
    )
    _heed_the_end(agent)
    editor.start()  # it takes longest
    agent.parts.watcher.start()
    _install_hooks(agent)
    recall(agent)
    server.start()
    log.write("agent started", pid=os.getpid(), session=str(agent.configuration.session))
    try:
        agent.run()
    finally:
        editor.stop()
        _remove_hooks(agent)
        agent.parts.watcher.stop()
        server.stop(drain=2.0)
        log.write("agent ended")
        agent.release()
    return 0


def _heed_the_end(agent: Agent) -> None:
    """End after a last flush when a signal comes or the keeper's pipe closes."""
    heard, signalled = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: _write(signalled))

    def heed() -> None:
        select.select([sys.stdin, heard], [], [])
        agent.parts.log.write("told to end")
        agent.close(LAST_FLUSH, flush=True)

    threading.Thread(target=heed, name="end", daemon=True).start()


def _write(descriptor: int) -> None:
    with suppress(OSError):
        os.write(descriptor, b"!")


def _install_hooks(agent: Agent) -> None:
    user = agent.parts.shipments.user
    theirs = own.own(user.git_dir, user.work_tree, {})
    path = theirs.run("config", "--get", "core.hooksPath", accept=(0, 1)).stdout.decode().strip()
    installed = hooks.install(
        user.common_dir, agent.parts.places.agent_socket, run.program(), hooks_path=path or None
    )
    agent.parts.log.write("hooks", installed=installed.names, left_out=installed.left_out)


def _remove_hooks(agent: Agent) -> None:
    hooks.remove(agent.parts.shipments.user.common_dir, agent.parts.places.agent_socket)
