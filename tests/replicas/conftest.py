"""A shadow repository with chains of snapshots and states in their real format's outline."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from gitsession.address import Address, parse_address
from gitsession.git.command import Repository
from gitsession.model import SessionName
from gitsession.replicas.base import Shipment
from tests.rig.repositories import bare_repository, git

SESSION = SessionName("ada", "lesson")


class Chain:
    """Makes snapshots and states in a bare repository, as the snapshot part does."""

    def __init__(self, directory: Path, base: str | None = None) -> None:
        self.directory = directory
        self.repository = Repository(directory)
        self.snapshot = base
        self.number = 0

    def tree(self, files: dict[str, str | bytes]) -> str:
        """A tree of these files, with folders."""
        lines, folders = [], dict[str, dict[str, str | bytes]]()
        for path, content in files.items():
            folder, _, rest = path.partition("/")
            if rest:
                folders.setdefault(folder, {})[rest] = content
            else:
                lines.append(f"100644 blob {self.blob(content)}\t{path}")
        lines += [f"040000 tree {self.tree(inner)}\t{folder}" for folder, inner in folders.items()]
        return (
            self.repository.output("mktree", stdin="".join(f"{line}\n" for line in lines).encode())
            .decode()
            .strip()
        )

    def blob(self, content: str | bytes) -> str:
        raw = content.encode() if isinstance(content, str) else content
        return self.repository.output("hash-object", "-w", "--stdin", stdin=raw).decode().strip()

    def commit(self, tree: str, parents: list[str], message: str) -> str:
        options = [option for parent in parents for option in ("-p", parent)]
        return self.repository.text("commit-tree", *options, "-m", message, tree)

    def save(
        self,
        files: dict[str, str | bytes],
        *,
        counter: int = 1,
        session: SessionName = SESSION,
        published: str = "",
    ) -> Shipment:
        """Take a snapshot of these files and a state on top of it."""
        self.number += 1
        trailers = f"Gitsession-Session: {session}\nGitsession-Snapshot: {self.number}"
        words = f"wip: {', '.join(files)}\n\n[skip ci]\n\n\n{trailers}\n"
        parents = [self.snapshot] if self.snapshot else []
        self.snapshot = self.commit(self.tree(files), parents, words)
        state = self.state(counter=counter, session=session, published=published)
        return Shipment(self.snapshot, self.number, state, counter=counter)

    def state(self, *, counter: int = 1, session: SessionName = SESSION, published: str = "") -> str:
        """A state on top of the newest snapshot."""
        tree = self.tree(
            {
                "version": "1\n",
                "session.json": json.dumps(
                    {"login": session.login, "name": session.name, "number": self.number}
                ),
                "lease.json": json.dumps({"runtime": "r1", "counter": counter, "published": published}),
                "index/entries/only-in-the-index.txt": f"staged {self.number}\n",
            }
        )
        return self.commit(tree, [self.snapshot] if self.snapshot else [], "state")


@pytest.fixture
def chain(sample_repository: Path, sealed: Path) -> Chain:
    """A shadow repository with the sample's history, whose first snapshot goes on from `main`."""
    git(sealed, "clone", "--quiet", "--bare", str(sample_repository), "shadow.git")
    return Chain(sealed / "shadow.git", git(sample_repository, "rev-parse", "main"))


@pytest.fixture
def address(sample_repository: Path) -> Address:
    return parse_address(str(sample_repository))


@pytest.fixture
def fresh(sealed: Path) -> Repository:
    """A bare repository of another machine, empty."""
    names = (f"fresh{n}.git" for n in itertools.count())
    return Repository(bare_repository(sealed / next(names)))
