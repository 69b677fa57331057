"""Machines that play one session together: each with a link of its own, and who says when that it leads."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from gitsession.agent import control
from gitsession.agent.places import Places
from gitsession.errors import AgentError
from tests.rig import processes
from tests.rig.fault_proxy import FaultProxy
from tests.spine import Machine

LAST = 40


@dataclass
class Player:
    """A machine with a link of its own to the server, and what it was told is safe."""

    machine: Machine
    link: FaultProxy
    written: int = 0
    acknowledged: dict[str, str] = field(default_factory=dict)
    reaches: bool = True

    @property
    def name(self) -> str:
        return self.machine.runtime.root.name

    @property
    def runtime(self) -> str:
        return (self.machine.runtime.state / "runtime").read_text().split()[0]

    def ask(self, op: str, timeout: float, **fields: object) -> dict[str, Any]:
        """Ask its agent as the command line does, without the cost of starting one."""
        for directory in (self.machine.runtime.state / "sessions").iterdir():
            socket = Places(directory.name, self.machine.runtime.state).agent_socket
            if socket.exists():
                return control.ask(socket, op, timeout=timeout, **fields)
        raise AgentError("No agent runs there.")

    @property
    def leads(self) -> str | None:
        """The session that it says it leads; None where it calls that unconfirmed, or does not answer."""
        with suppress(AgentError, OSError):
            status = self.ask("status", 5.0)["status"]
            unconfirmed = any("unconfirmed" in line for line in status["notes"])
            return None if unconfirmed else str(status["session"])
        return None

    def work(self, *, seconds: float = 60) -> bool:
        """Write a file that nobody else has; answers whether it was acknowledged as safe."""
        self.written += 1
        path = f"{self.name}-{self.written}.txt"
        (self.machine.worktree / path).write_text(f"{path}\n")
        missing = self.ask("flush", seconds + 60, seconds=seconds, level="safe")["missing"]
        if not missing:
            self.acknowledged[path] = self.runtime
        return not missing

    def told(self) -> str:
        """The last lines of its agents' logs, for a test that fails."""
        logs = self.machine.runtime.state.glob("sessions/*/log/agent.log")
        lines = [line for log in logs for line in log.read_text().splitlines()[-LAST:]]
        return "\n".join([f"== {self.name}", *lines])

    def pause(self) -> None:
        self.reaches = False
        processes.send(signal.SIGSTOP, [seen.pid for seen in self.machine.runtime.processes()])

    def go_on(self) -> None:
        processes.send(signal.SIGCONT, [seen.pid for seen in self.machine.runtime.processes()])
        self.reaches = True

    def cut(self) -> None:
        self.reaches = False
        self.link.refuse()

    def mend(self) -> None:
        self.link.accept()
        self.reaches = True


class Watch(threading.Thread):
    """Looks every second who says that they lead the same session while they reach the remote."""

    def __init__(self, players: list[Player]) -> None:
        super().__init__()
        self.players = players
        self.longest: dict[tuple[int, int], float] = {}
        self._since: dict[tuple[int, int], float] = {}
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(1.0):
            told = [each.leads if each.reaches else None for each in self.players]
            reach = [each.reaches for each in self.players]
            now = time.monotonic()
            pairs = [(one, two) for one in range(len(told)) for two in range(one)]
            for pair in pairs:
                name, other = (told[number] if reach[number] else None for number in pair)
                since = self._since.setdefault(pair, now) if name and name == other else None
                if since is None:
                    self._since.pop(pair, None)
                else:
                    self.longest[pair] = max(self.longest.get(pair, 0.0), now - since)

    def stop(self) -> dict[tuple[int, int], float]:
        """For how long each pair led together at most, in seconds."""
        self._over.set()
        self.join()
        return self.longest
