"""Starting a session's keeper, and through it the agent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from gitsession import run
from gitsession.agent import configuration as settings
from gitsession.agent.configuration import Configuration, Secrets
from gitsession.editor.invocation import Invocation
from gitsession.errors import AgentError

LAUNCH_TIMEOUT = 30.0
LOAD = b"load\n"
SEE_LOG = "The session's log folder says more; `gitsession doctor` names it."


@contextmanager
def loading() -> Iterator[run.Process]:
    """A keeper that loads, and starts what it is told to, while it is not known yet for which session.

    They end with the block, or with this process, where `launch` gave them none.
    """
    process = run.start_own("gitsession.agent.keeper", stdout=run.PIPE)
    try:
        yield process
    finally:
        run.close_pipes(process)
        run.has_ended(process, LAUNCH_TIMEOUT)


def begin_editor(loaded: run.Process, invocation: Invocation) -> None:
    """Have a keeper start the editor's server, while nobody knows yet for which session: first of all.

    It ends with the keeper where `launch` gives that none.
    """
    _say(loaded, invocation.to_bytes() + b"\n")


def load_agent(loaded: run.Process) -> None:
    """Have a keeper load the agent's code, which takes as much processor time as the editor's start."""
    _say(loaded, LOAD)


def _say(loaded: run.Process, line: bytes) -> None:
    if loaded.stdin is not None:
        with suppress(BrokenPipeError):  # it ended, which `launch` finds out
            loaded.stdin.write(line)
            loaded.stdin.flush()


def launch(configuration: Configuration, secrets: Secrets, loaded: run.Process | None = None) -> None:
    """Have a session's keeper run, and through it the agent, detached from this process and its terminal.

    Where the session's keeper runs already, nothing happens. Returns as soon as the keeper answers; the agent
    answers a moment later on `places.agent_socket`.

    Args:
        configuration: The session.
        secrets: What the keeper holds; they travel over a pipe.
        loaded: What `loading` gave; by default the code is loaded now.

    Raises:
        AgentError: It did not start.
    """
    settings.save(configuration)
    said = configuration.key.encode() + b"\n" + secrets.to_bytes()
    try:
        with loading() if loaded is None else nullcontext(loaded) as process:
            done = run.complete(process, ("keeper",), said, LAUNCH_TIMEOUT)
    except run.TimedOut:
        raise AgentError("The session's keeper did not start in time.", hint=SEE_LOG) from None
    if done.stdout.strip() != b"ready":
        reason = done.stdout.decode("utf-8", "replace").strip() or "it said nothing"
        raise AgentError(f"The session's keeper did not start: {reason}.", hint=SEE_LOG)


def detach() -> int:
    """Go on in a child that no terminal and no parent waits for; returns in the child only.

    The parent waits for the child's last word, passes it on to its own standard output and ends. The word is
    written to the descriptor that this returns; closing it lets the parent go.
    """
    listening, word = os.pipe()
    if os.fork():
        os.close(word)
        with os.fdopen(listening, "rb") as said, suppress(BrokenPipeError):
            os.write(1, said.read())
        os._exit(0)
    os.close(listening)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    return word
