"""A session on a clone of a repository behind the git server, its agent in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitsession.address import Address
from gitsession.agent.compose import compose
from gitsession.agent.configuration import Configuration
from gitsession.agent.control import Request
from gitsession.agent.editor import SessionEditor
from gitsession.agent.lane import Lane
from gitsession.agent.log import Log
from gitsession.agent.operations import Operations
from gitsession.agent.recall import recall
from gitsession.agent.service import Agent
from gitsession.model import Identity, Level, SessionName
from tests.agent.conftest import wait_for
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.repositories import git

SESSION = SessionName("ada", "lesson")


@dataclass
class Session:
    """An agent in this process, on a clone of `ada/digits` behind the server."""

    agent: Agent
    server: GitServer
    tree: Path

    @property
    def held(self) -> set[str]:
        return {item.path for item in self.agent.parts.saver.held}

    @property
    def remote(self) -> Lane:
        return next(lane for lane in self.agent.lanes if lane.name == "remote")

    @property
    def errors(self) -> list[str]:
        return [lane.error for lane in self.agent.lanes if lane.error]

    def write(self, files: dict[str, str]) -> None:
        for path, text in files.items():
            (self.tree / path).parent.mkdir(parents=True, exist_ok=True)
            (self.tree / path).write_text(text)

    def flush(self, level: Level | None = None, seconds: float = 30.0) -> str:
        return "; ".join(self.agent.flush(seconds, level))

    def there(self, ref: str = SESSION.branch_ref) -> dict[str, str]:
        """The files of a snapshot on the server; of the state ref it is that of its first parent."""
        bare = self.server.forge.repository().path
        commit = f"{ref}^" if ref == SESSION.state_ref else ref
        names = git(bare, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")
        return {name: git(bare, "show", f"{commit}:{name}") for name in filter(None, names)}

    def everything(self) -> str:
        """Every name, commit, tag and blob on the server."""
        bare = self.server.forge.repository().path
        names = git(bare, "for-each-ref")
        return names + git(bare, "cat-file", "--batch-all-objects", "--batch")

    def ask(self, op: str, **fields: Any) -> Any:
        """What a client of the agent asks."""
        operations = Operations(self.agent, SessionEditor(self.agent))
        return operations.table()[op](Request(op, fields))


@pytest.fixture
def launch(git_server: GitServer, sealed: Path) -> Iterator[Callable[..., Session]]:
    """Start a session; it ends with the test."""
    running: list[tuple[Agent, threading.Thread]] = []

    def start(token: str = ADA_TOKEN, **changes: Any) -> Session:
        bare = git_server.forge.repository().path
        git(sealed, "clone", "--quiet", str(bare), "tree")
        address = Address(git_server.authorised_url(token), "127.0.0.1", "ada", "digits")
        configuration = Configuration(
            address=address,
            session=SESSION,
            worktree=sealed / "tree",
            runtime="r1",
            author=Identity("Ada", "ada@example.org"),
            storage=str(sealed / "vault"),
            quiet=0.05,
            max_age=0.5,
            **changes,
        )
        configuration.places.create()
        agent = compose(configuration, configuration.places, Log(configuration.places.log))
        agent.parts.watcher.start()
        recall(agent)
        thread = threading.Thread(target=agent.run, daemon=True)
        thread.start()
        running.append((agent, thread))
        wait_for(lambda: agent.newest, "the first snapshot")
        return Session(agent, git_server, sealed / "tree")

    yield start
    for agent, thread in running:
        agent.close(10.0, flush=False)
        thread.join(20.0)
        agent.parts.watcher.stop()
        agent.release()
