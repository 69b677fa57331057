"""Files of Git LFS in a review: their contents go to the LFS store, their pointers into the tree.

Nowhere else does work in progress of them leave: what the store has taken is hard to get out again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gitsession import files
from gitsession.git import Repository, commits, lfs, lookup, plain
from gitsession.proposal.ground import Ground
from gitsession.replicas.guard import HARD_SIZE_LIMIT, Guard
from gitsession.snapshot.lfs import pointer
from gitsession.wording import human_size

CHUNK = 1 << 20
PIECE = 64_000_000  # bytes that are searched for secrets at once: the guard's process has memory for that
OVERLAP = 65_536  # what a cut would part lies whole in the next piece
NO_LFS = "{path} is not in the review: it belongs to Git LFS, and git-lfs is not installed here."
ELSEWHERE = "{path} is not in the review: .lfsconfig names an LFS store; push it there with `git push`."


@dataclass(frozen=True)
class Content:
    """A file of Git LFS as it is now, copied to where git-lfs finds it."""

    path: str
    sha256: str
    size: int
    place: Path


@dataclass(frozen=True)
class Brought:
    """A tree with the pointers of what the LFS store has now, and a sentence about each file."""

    tree: str
    notes: tuple[str, ...] = ()


def bring(
    ground: Ground, guard: Guard, tree: str, paths: Sequence[str], listen: Callable[[str], None]
) -> Brought:
    """Bring the held files of Git LFS to the store; what may not leave, or cannot be brought, stays out.

    Args:
        ground: The session.
        guard: Looks at each content before it leaves.
        tree: The tree of the review without them.
        paths: Those that are held.
        listen: Told how much goes there before it goes.

    Raises:
        GitError: The store refuses, is full, or cannot be reached; nothing was pushed.
    """
    if not paths:
        return Brought(tree)
    if not lfs.is_there():
        return Brought(tree, tuple(NO_LFS.format(path=path) for path in paths))
    if ".lfsconfig" in lookup.tree_files(ground.repository, tree, ".lfsconfig"):
        return Brought(tree, tuple(ELSEWHERE.format(path=path) for path in paths))
    with _storage(ground) as storage:
        copied = [_copied(ground, storage, path) for path in paths]
        size = sum(each.size for each in copied)
        if size > PIECE:
            listen(f"Looking for secrets in {human_size(size)} of Git LFS")
        notes = _refused(guard, storage, copied)
        good = [content for content in copied if content.path not in notes]
        return Brought(_with_pointers(ground, storage, tree, good, listen), tuple(notes.values()))


def _with_pointers(
    ground: Ground, storage: Path, tree: str, contents: Sequence[Content], listen: Callable[[str], None]
) -> str:
    if not contents:
        return tree
    size, named = sum(each.size for each in contents), ", ".join(each.path for each in contents)
    listen(f"Bringing {human_size(size)} to Git LFS, where it stays: {named}")
    lfs.upload(ground.repository, storage, ground.home.url, [each.sha256 for each in contents])
    pointers = {
        each.path: (
            _mode(ground, each.path),
            commits.write_blob(ground.repository, pointer(each.sha256, each.size)),
        )
        for each in contents
    }
    return commits.with_files(ground.repository, tree, pointers)


@contextmanager
def _storage(ground: Ground) -> Iterator[Path]:
    with TemporaryDirectory(prefix=files.TEMPORARY_PREFIX, dir=ground.places.directory) as folder:
        yield Path(folder)


def _copied(ground: Ground, storage: Path, path: str) -> Content:
    """A copy, since the file may be written anew while it is sent."""
    digest, copy = hashlib.sha256(), files.temporary_name(storage / "copy")
    with (ground.configuration.worktree / path).open("rb") as source, copy.open("wb") as target:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            target.write(chunk)
        size = target.tell()
    place = lfs.place_of(storage, digest.hexdigest())
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(copy, place)
    return Content(path, digest.hexdigest(), size, place)


def _refused(guard: Guard, storage: Path, contents: Sequence[Content]) -> dict[str, str]:
    """A sentence about each whose content may not leave."""
    reasons = ((each.path, _reason(guard, storage, each)) for each in contents)
    return {path: f"{path} is not in the review: {reason}" for path, reason in reasons if reason}


def _reason(guard: Guard, storage: Path, content: Content) -> str:
    """Why it may not leave, looked at piece by piece whatever its size; empty where it may."""
    if guard.allowed.allows_path(content.path):
        return ""
    for start, piece in pieces(content.place):
        with _apart(storage) as scratch:
            looked = [(commits.write_blob(scratch, piece), content.path)]
            found = replace(guard, repository=scratch, size_limit=HARD_SIZE_LIMIT).check(looked)
        if found:
            counted = f", counted from byte {start:,}" if start and found[0].line else ""
            return f"{found[0].reason}{counted}"
    return ""


def pieces(place: Path, length: int = PIECE, overlap: int = OVERLAP) -> Iterator[tuple[int, bytes]]:
    """A file's content in pieces that overlap, each with the byte that it starts at."""
    size = place.stat().st_size
    with place.open("rb") as file:
        for start in range(0, max(1, size - overlap), length - overlap):
            file.seek(start)
            yield start, file.read(length)


@contextmanager
def _apart(storage: Path) -> Iterator[Repository]:
    """A repository that is gone afterwards, so that what was looked at fills no disk."""
    with TemporaryDirectory(dir=storage) as folder:
        plain("init", "--quiet", "--bare", "--", folder, cwd=storage)
        yield Repository(Path(folder), config={"core.compression": "0"})


def _mode(ground: Ground, path: str) -> int:
    return 0o100755 if (ground.configuration.worktree / path).stat().st_mode & 0o100 else 0o100644
