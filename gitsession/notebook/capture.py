"""Writes the notebook in the tab into the work tree, and never over what was edited elsewhere."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gitsession import files
from gitsession.errors import FormatError, UsageError
from gitsession.git import Repository
from gitsession.notebook import document, lineage
from gitsession.notebook.document import Notebook
from gitsession.notebook.lineage import Relation, Take

DEFAULT_MODE = 0o644
EARLIER_LIMIT = 50


@dataclass(frozen=True)
class Captured:
    """What became of the notebook in the tab.

    Args:
        path: Where the notebook belongs.
        take: What was done.
        stale: The tab is older than the file, and nothing was taken from it.
        wrote: The path that was written, if any.
    """

    path: str
    take: Take
    stale: bool = False
    wrote: str | None = None


class Capture:
    """Keeps one notebook's file in step with its tab.

    Args:
        worktree: The work tree.
        path: The notebook, relative to it.
        earlier: The cells of versions that the file is known to have had.

    Raises:
        UsageError: The path is no notebook inside the work tree.
    """

    def __init__(self, worktree: Path, path: str, earlier: Sequence[tuple[str, ...]] = ()) -> None:
        self.path = checked_path(worktree, path)
        self._worktree = worktree
        self._earlier = tuple(earlier)
        self._written: str | None = None
        self._lock = threading.Lock()

    def take(self, notebook: Notebook) -> Captured:
        """Write the notebook where it belongs, beside it, or nowhere; from any thread.

        Raises:
            OSError: The disk refuses it.
            UsageError: A link now leads its path out of the work tree.
        """
        with self._lock:
            kept = document.cleaned(notebook)
            target = self._target(self.path)
            there = _content(target)
            relation = self._relate(kept, there)
            take = lineage.decide(relation, _digest(there), self._written)
            return self._carry_out(take, kept, there, stale=relation is Relation.OLDER)

    def take_over(self) -> None:
        """From now on the tab is the newer one; what the file holds is in the snapshots."""
        there = _content(self._target(self.path))
        self._written = _digest(there)

    def _relate(self, kept: Notebook, there: bytes | None) -> Relation | None:
        if there is None:
            return None
        try:
            file = document.work(document.parse(there))
        except FormatError:
            return Relation.DIVERGED
        return lineage.relate(document.work(kept), file, self._earlier)

    def _carry_out(self, take: Take, kept: Notebook, there: bytes | None, *, stale: bool) -> Captured:
        if take is Take.NOTHING:
            return Captured(self.path, take, stale)
        path = self.path if take is Take.WRITE else lineage.beside(self.path)
        content = document.serialised(kept, there)
        wrote = path if _write(self._target(path), content) else None
        if take is Take.WRITE:
            self._written = lineage.digest(content)
        return Captured(self.path, take, wrote=wrote)

    def _target(self, path: str) -> Path:
        checked_path(self._worktree, path)
        return (self._worktree / path).resolve()


def checked_path(worktree: Path, path: str) -> str:
    """The path in its plain form.

    Raises:
        UsageError: It is no notebook inside the work tree.
    """
    plain = PurePosixPath(os.path.normpath(path))
    whole, root = (worktree / plain).resolve(), worktree.resolve()
    inside = whole.is_relative_to(root) and ".git" not in whole.relative_to(root).parts
    if plain.is_absolute() or not inside or plain.suffix != ".ipynb":
        raise UsageError(
            f"{path!r} is no notebook in the repository.",
            hint='Write it relative to the repository, such as notebook="notebooks/explore.ipynb".',
        )
    return str(plain)


def notebooks(worktree: Path) -> tuple[str, ...]:
    """The notebooks that git knows in a work tree."""
    listed = Repository(worktree / ".git", worktree).run("ls-files", "-z", "--", "*.ipynb").stdout
    return tuple(os.fsdecode(path) for path in listed.split(b"\0") if path)


def earlier(shadow: Repository, worktree: Path, path: str, tip: str | None) -> tuple[tuple[str, ...], ...]:
    """The cells of the notebook in the versions that git holds: in HEAD, on the remote, in snapshots."""
    found = []
    user = Repository(worktree / ".git", worktree)
    chain = [] if tip is None else _changes(shadow, tip, path)
    places = [(user, "HEAD"), (user, "refs/remotes/origin/HEAD"), *((shadow, commit) for commit in chain)]
    for repository, commit in places:
        done = repository.run("cat-file", "blob", f"{commit}:{path}", accept=(0, 128))
        if done.code == 0:
            with suppress(FormatError):
                found.append(document.work(document.parse(done.stdout)))
    return tuple(found)


def _changes(shadow: Repository, tip: str, path: str) -> list[str]:
    limit = f"--max-count={EARLIER_LIMIT}"
    done = shadow.run("log", limit, "--format=%H", tip, "--", f":(literal){path}", accept=(0, 128))
    return done.stdout.decode("ascii", "replace").split() if done.code == 0 else []


def _digest(content: bytes | None) -> str | None:
    return None if content is None else lineage.digest(content)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write(path: Path, content: bytes) -> bool:
    """Replace a file's content and keep its mode; False where it had that content already."""
    if _content(path) == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else DEFAULT_MODE
    files.write_atomically(path, content, mode=mode)
    path.chmod(mode)
    return True
