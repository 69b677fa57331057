"""A session that really runs: a keeper and an agent on a small repository, with a vault and a bare remote."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gitsession import run
from gitsession.address import parse_address
from gitsession.agent import configuration as settings
from gitsession.agent import control, launching
from gitsession.agent.configuration import Configuration, Secrets
from gitsession.agent.places import Places
from gitsession.errors import AgentError
from gitsession.model import Identity, SessionName
from tests.rig.repositories import git

Found = TypeVar("Found")
PATIENCE = 60.0

PROJECT = """
    git init --quiet --bare --initial-branch=main remote.git
    git init --quiet --initial-branch=main tree
    cd tree
    mkdir src
    echo one > one.txt
    echo two > src/two.txt
    echo '*.log' > .gitignore
    git add .
    git commit --quiet -m First
    git remote add origin ../remote.git
    git push --quiet --set-upstream origin main
"""


def wait_for(condition: Callable[[], Found | None], what: str = "") -> Found:
    """The first answer of a condition that is neither None nor false."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what or condition}"
        time.sleep(0.02)
    return found


@dataclass
class Running:
    """A session and what a test does with it."""

    configuration: Configuration
    folder: Path

    @property
    def places(self) -> Places:
        return self.configuration.places

    @property
    def tree(self) -> Path:
        return self.configuration.worktree

    @property
    def remote(self) -> Path:
        return self.folder / "remote.git"

    def launch(self, token: str | None = None) -> None:
        """Launch it, and wait for the first snapshot."""
        launching.launch(self.configuration, Secrets(token))
        wait_for(self.answers, "the agent's answer")
        self.until(lambda status: status["snapshot"] is not None)

    def answers(self) -> bool:
        return self.agent_pid() is not None

    def agent_pid(self) -> int | None:
        return self._pid(self.places.agent_socket)

    def keeper_pid(self) -> int | None:
        return self._pid(self.places.keeper_socket)

    def _pid(self, path: Path) -> int | None:
        try:
            return int(control.ask(path, "ping", timeout=5.0)["pid"])
        except AgentError:
            return None

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        return control.ask(self.places.agent_socket, op, timeout=PATIENCE, **fields)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("status")["status"]
        return found

    def flush(self, level: str | None = None, seconds: float = 30.0) -> list[str]:
        return list(self.ask("flush", seconds=seconds, level=level)["missing"])

    def write(self, path: str, text: str) -> None:
        target = self.tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def replica(self, name: str) -> dict[str, Any]:
        return next(entry for entry in self.status()["replicas"] if entry["name"] == name)

    def at_remote(self, path: str) -> str:
        """A file as the session branch on the remote holds it."""
        return git(self.remote, "show", f"{self.configuration.session.branch}:{path}")

    def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        def met() -> dict[str, Any] | None:
            status = self.status()
            return status if condition(status) else None

        return wait_for(met, "a status")

    def log(self) -> str:
        return "".join(
            path.read_text() for path in (self.places.log, self.places.keeper_log) if path.exists()
        )

    def stop(self) -> list[str]:
        return list(control.ask(self.places.keeper_socket, "stop", timeout=PATIENCE)["missing"])

    def end(self) -> None:
        """End both processes for good, whatever state they are in."""
        for pid in [pid for pid in (self.keeper_pid(), self.agent_pid()) if pid is not None]:
            run.signal_group(pid, signal.SIGKILL)
            os.kill(pid, signal.SIGKILL) if run.is_alive(pid) else None
            wait_for(lambda pid=pid: not run.is_alive(pid), "its end")  # type: ignore[misc]

    def relaunched(self, **changes: Any) -> None:
        """Launch with other settings, where nothing runs."""
        self.configuration = replace(self.configuration, **changes)
        self.launch()


@pytest.fixture
def prepared(transcript: Callable[[str], Path], sealed: Path) -> Iterator[Running]:
    """A session that is not launched yet; what a test launches is ended."""
    folder = transcript(PROJECT)
    configuration = Configuration(
        address=parse_address(str(folder / "remote.git")),
        session=SessionName("ada", "lesson"),
        worktree=folder / "tree",
        runtime="r1",
        author=Identity("Ada", "ada@example.org"),
        storage=str(sealed / "vault"),
        quiet=0.1,
        max_age=1.0,
    )
    settings.save(configuration)
    session = Running(configuration, folder)
    yield session
    session.end()


@pytest.fixture
def running(prepared: Running) -> Running:
    """A session that runs."""
    prepared.launch()
    return prepared
