"""What every part of a session's handle needs: to ask its agent and its keeper, and to have all saved."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitsession.agent import control
from gitsession.errors import NotSafeYet
from gitsession.model import Level
from gitsession.status import Status

if TYPE_CHECKING:
    from gitsession.agent.places import Places

ANSWER_TIMEOUT = 30.0
CLOSE_TIMEOUT = 120.0


class Asking:
    """A client of one session's agent.

    Args:
        places: Where the session's sockets are.
    """

    def __init__(self, places: Places) -> None:
        self.places = places

    def _ask(self, op: str, timeout: float = ANSWER_TIMEOUT, **fields: Any) -> dict[str, Any]:
        return control.ask(self.places.agent_socket, op, timeout=timeout, **fields)

    def status(self) -> Status:
        """What is saved where, what is at risk and why, and how long this machine is expected to last."""
        return Status.from_json(self._ask("status")["status"])

    def flush(self, timeout: float = 60.0, level: str | None = None) -> Status:
        """Save and ship everything now, past every interval.

        Args:
            timeout: Seconds to wait.
            level: `"local"`, `"stored"` or `"safe"` for everything; by default whatever every replica
                that answers can give.

        Raises:
            NotSafeYet: It was not reached in time; the message names what is missing.
        """
        wanted = None if level is None else str(Level.parse(level))
        answer = self._ask("flush", timeout=timeout + ANSWER_TIMEOUT, seconds=timeout, level=wanted)
        missing = answer["missing"]
        if missing:
            raise NotSafeYet(
                f"Not everything is {wanted or 'shipped'} yet: {'; '.join(missing)}.",
                safe="What `gitsession status` shows as acknowledged is safe; saving goes on.",
                hint="Wait and flush again, or see `gitsession status` for what stands in the way.",
            )
        return self.status()

    def note_activity(self, *, running: bool, cell: int = 0, source: str = "") -> None:
        """Say that this kernel's cell begins or has ended: platforms call it activity, the timeline tells it.

        Args:
            running: It begins.
            cell: The number that the notebook shows beside it.
            source: The first digits of its source's SHA-256.
        """
        self._ask("activity", running=running, kernel=os.getpid(), cell=cell, hash=source)

    def note_ran(self, record: str) -> None:
        """Have the next snapshot say what ran before it: one line of JSON, published with the snapshot."""
        self._ask("note-ran", ran=record, kernel=os.getpid())

    def holds_token(self) -> bool:
        """Whether the session was given a token, with which it can push."""
        return control.ask(self.places.keeper_socket, "token", timeout=ANSWER_TIMEOUT)["token"] is not None

    def processes(self) -> tuple[int, ...]:
        """The process ids of what runs for this session: its keeper and its agent."""
        sockets = (self.places.keeper_socket, self.places.agent_socket)
        return tuple(int(control.ask(place, "ping", timeout=ANSWER_TIMEOUT)["pid"]) for place in sockets)

    def close(self, *, flush: bool = True) -> tuple[str, ...]:
        """Save everything, end the background processes and remove our hooks; your files stay.

        Args:
            flush: Save and ship everything first.

        Returns:
            What could not be saved anywhere but on this machine; nothing, when all went well.
        """
        asked = {"flush": flush, "pid": os.getpid()}
        answer = control.ask(self.places.keeper_socket, "stop", timeout=CLOSE_TIMEOUT, **asked)
        return tuple(answer["missing"])

    @property
    def worktree(self) -> Path:
        """The directory you edit."""
        return self.status().worktree
