"""Bringing what is new elsewhere into the work tree, file by file, so that no line of the user's is lost."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gitsession import credentials, run
from gitsession.agent.control import Operation, Request
from gitsession.agent.service import Agent
from gitsession.errors import GitError, RepositoryError, UsageError
from gitsession.git import Repository, commits, lookup, objects, own, staging
from gitsession.git.command import NETWORK_TIMEOUT
from gitsession.snapshot import restore

JOB_TIMEOUT = 300.0
GONE = "000000"
FILES = ("100644", "100755")
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class File:
    """A file of a tree: its mode as git writes it, and its blob."""

    mode: str
    oid: str


@dataclass
class Merging:
    """What an update comes to: the files to write, by path, None for those that go.

    Args:
        repository: Has the objects of all three sides.
        name: What the files beside those in conflict are called after.
        held: Paths whose newest content is in no snapshot; they are never written.
    """

    repository: Repository
    name: str
    held: Collection[str] = ()
    files: dict[str, File | None] = field(default_factory=dict)
    beside: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)

    def take(self, path: str, base: File | None, ours: File | None, theirs: File | None) -> None:
        """Decide one path that changed between the base and theirs."""
        if ours == theirs:
            return
        if ours == base and path not in self.held:
            self.files[path] = theirs
        elif ours is None and theirs is not None:
            self.files[path] = theirs
            self.back.append(path)
        elif theirs is not None:
            merged = self._merged(base, ours, theirs) if path not in self.held else None
            if merged == ours:
                return
            if merged is not None:
                self.files[path] = merged
            else:
                self.beside.append(f"{path}.from-{self.name}")
                self.files[self.beside[-1]] = theirs

    def _merged(self, base: File | None, ours: File | None, theirs: File) -> File | None:
        """Both sides' lines, None where they do not go together."""
        if ours is None or base is None or not all(side.mode in FILES for side in (base, ours, theirs)):
            return None
        with tempfile.TemporaryDirectory(prefix="gitsession-") as folder:
            places = [Path(folder, side) for side in ("ours", "base", "theirs")]
            for place, file in zip(places, (ours, base, theirs), strict=True):
                place.write_bytes(self.repository.output("cat-file", "blob", file.oid))
            done = self.repository.run("merge-file", "-q", "-p", *map(str, places), accept=range(256))
        return File(ours.mode, commits.write_blob(self.repository, done.stdout)) if done.code == 0 else None


def merge(
    repository: Repository, base: str | None, ours: str, theirs: str, name: str, held: Collection[str] = ()
) -> Merging:
    """Decide every path that changed between the base and theirs; nothing of ours is touched.

    Args:
        repository: Has all three.
        base: Where both sides come from; None for unrelated histories, such as a template's.
        ours: The work tree's snapshot.
        theirs: The commit to bring in.
        name: What files beside those in conflict are called after.
        held: Paths whose newest content is in no snapshot.
    """
    mine = {
        path: File(f"{mode:06o}", oid)
        for path, (mode, _, oid, _) in lookup.tree_files(repository, ours).items()
    }
    merging = Merging(repository, name, held)
    for change in objects.differences(repository, base or empty_tree(repository), theirs):
        path = os.fsdecode(change.path)
        old, new = _file(change.old_mode, change.old), _file(change.new_mode, change.new)
        merging.take(path, old, mine.get(path), new)
    return merging


def empty_tree(repository: Repository) -> str:
    """The empty tree, written where it is not there yet."""
    return repository.output("mktree", stdin=b"").decode().strip()


def _file(mode: bytes, oid: str) -> File | None:
    return None if mode.decode() == GONE else File(mode.decode(), oid)


@dataclass(frozen=True)
class Updating:
    """The operation behind `gitsession update`."""

    agent: Agent

    def table(self) -> Mapping[str, Operation]:
        """The operation by its name."""
        return {"update": self._update}

    def _update(self, request: Request) -> Mapping[str, Any]:
        source = request.optional_text("source")
        if source is not None and (source.startswith("-") or not source.isprintable()):
            raise UsageError(f"{source!r} is no branch.", hint="Write it like main or upstream/main.")
        theirs, name = self._fetched(source)
        merging, number = self.agent.jobs.call(lambda: self._bring_in(theirs, name), JOB_TIMEOUT)
        return {
            "source": name,
            "commit": theirs,
            "before": number,
            "changed": sorted(path for path in merging.files if path not in merging.beside),
            "beside": merging.beside,
            "back": merging.back,
        }

    def _fetched(self, source: str | None) -> tuple[str, str]:
        """What to bring in, fetched with the user's own settings on this client's thread."""
        user, configuration = self.agent.parts.shipments.user, self.agent.configuration
        places = [place for place in (configuration.address, configuration.fork) if place is not None]
        socket = self.agent.parts.places.keeper_socket
        variables = credentials.configuration(places, socket, run.program(), environ={})
        theirs = own.own(user.git_dir, user.work_tree, variables)
        named = (source or "").partition("/")[0]
        remote = named if named in theirs.text("remote").split("\n") else "origin"
        theirs.run("fetch", "--quiet", remote, timeout=NETWORK_TIMEOUT)
        tried = [source, f"origin/{source}"] if source else ["@{upstream}", "origin/HEAD"]
        for name in tried:
            done = theirs.run(
                "rev-parse",
                "--quiet",
                "--verify",
                "--end-of-options",
                f"{name}^{{commit}}",
                accept=(0, 1, 128),
            )
            if done.code == 0:
                return done.stdout.decode().strip(), self._short(theirs, name)
        raise RepositoryError(
            f"There is nothing to update from{f' called {source}' if source else ''}.",
            safe="Nothing was changed.",
            hint="Name a branch, such as `gitsession update main`.",
        )

    def _short(self, repository: Repository, name: str) -> str:
        done = repository.run("rev-parse", "--abbrev-ref", name, accept=(0, 128))
        short = done.stdout.decode("utf-8", "replace").strip() if done.code == 0 else name
        return _UNFIT.sub("-", short.rpartition("/")[2] or name).strip("-") or "theirs"

    def _bring_in(self, theirs: str, name: str) -> tuple[Merging, int]:
        """On the main thread: a snapshot first, then the files; the user's index and branches stay."""
        agent, saver = self.agent, self.agent.parts.saver
        agent.save_now()
        shadow = saver.shadow
        shadow.adopt_objects()
        shadow.settle()
        tip = shadow.newest()
        repository = shadow.repository
        head = _head(agent)
        base = commits.merge_base(repository, head, theirs) if head is not None else None
        held = {item.path for item in saver.held}
        merging = merge(repository, base, tip.commit, theirs, name, held)
        if merging.files:
            tree = with_files(repository, tip.tree, merging.files)
            restored = restore.restore(
                repository, tree, agent.configuration.worktree, list(merging.files), base=tip.commit
            )
            agent.parts.marks.mark((*restored.written, *restored.removed))
        return merging, tip.number


def _head(agent: Agent) -> str | None:
    user = agent.parts.shipments.user.repository
    try:
        return user.text("rev-parse", "--verify", "--quiet", "HEAD")
    except GitError:
        return None


def with_files(repository: Repository, tree: str, files: Mapping[str, File | None]) -> str:
    """A tree with some paths replaced or, where there is no file, taken out."""
    gone = File("0", "0" * 40)
    with tempfile.TemporaryDirectory(prefix="gitsession-") as folder:
        apart = Repository(repository.git_dir, Path(folder), index=Path(folder) / "index")
        staging.read_tree(apart, tree)
        chosen = {path: file or gone for path, file in files.items()}
        staging.stage(apart, [(path, int(file.mode, 8), file.oid, 0) for path, file in chosen.items()])
        return staging.write_tree(apart)
