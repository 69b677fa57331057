"""Putting contents from the vault into the work tree: whole files under their names, never outside of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gitsession import files
from gitsession.git.progress import Listen, Progress
from gitsession.replicas.held import HeldFiles
from gitsession.snapshot.state.kept import EXECUTABLE, KeptFile
from gitsession.snapshot.worktree import Place, WorkTree

AT_ONCE = 16
PHASE = "Bringing kept files"
NAMELESS = "only a state in the vault names its content"


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Args:
        file: The file.
        path: Where it lies now, which is beside its own path where something else stood there; None for
            nowhere.
        reason: Why it could not be had.
    """

    file: KeptFile
    path: str | None
    reason: str = ""


def put(
    root: Path,
    place: HeldFiles,
    wanted: Sequence[KeptFile],
    *,
    overwrite: bool = False,
    listen: Listen | None = None,
) -> Iterator[Outcome]:
    """Put files into the work tree, some at once; each is there whole or not at all.

    Args:
        root: The work tree.
        place: The vault's contents.
        wanted: The files.
        overwrite: A file that stands there gives way; else the new one is put beside it.
        listen: Told of bytes.

    Raises:
        StorageError: The vault does not answer.
        OSError: The disk is full or failing.
    """
    moved, total = 0, sum(file.size for file in wanted)

    def tell(more: int) -> None:
        nonlocal moved
        moved += more
        if listen is not None:
            listen(Progress(PHASE, moved, total, moved))

    for first in range(0, len(wanted), AT_ONCE):
        some = sorted(wanted[first : first + AT_ONCE], key=lambda file: file.path)
        with _aside(root, some) as names, WorkTree(root) as tree:
            reasons = _bring(place, names, tell)
            for file, name in names.items():
                if file in reasons:
                    yield Outcome(file, None, reasons[file])
                else:
                    yield _settle(tree, file, name, overwrite=overwrite)


@contextmanager
def _aside(root: Path, some: Sequence[KeptFile]) -> Iterator[dict[KeptFile, Path]]:
    """A name for each that git and the sweeps leave alone, on the work tree's own file system."""
    names = {file: files.temporary_name(root / "any") for file in some}
    try:
        yield names
    finally:
        for name in names.values():
            with suppress(FileNotFoundError):
                name.unlink()


def _bring(
    place: HeldFiles, names: Mapping[KeptFile, Path], tell: Callable[[int], None]
) -> dict[KeptFile, str]:
    """Fill the names; answers with why some could not be."""
    for file, name in names.items():
        if file.link:
            name.symlink_to(file.link)
    contents = [file for file in names if file.sha256]
    wrong = place.fetch([(file.sha256, names[file]) for file in contents], tell)
    reasons = {file: error.what for file, error in zip(contents, wrong, strict=True) if error is not None}
    return reasons | {file: NAMELESS for file in names if not (file.sha256 or file.link)}


def _settle(tree: WorkTree, file: KeptFile, name: Path, *, overwrite: bool) -> Outcome:
    place = tree.place(os.fsencode(file.path), create=True)
    if place is None:
        return Outcome(file, None, "a file stands where its folder belongs")
    path = file.path if overwrite or place.stat() is None else _beside(file)
    if not file.link:
        name.chmod(0o755 if file.mode == EXECUTABLE else 0o644)
        os.utime(name, ns=(file.mtime, file.mtime))
    target = Place(place.directory, os.fsencode(PurePosixPath(path).name))
    try:
        os.rename(name, target.name, dst_dir_fd=target.directory)
    except IsADirectoryError:
        return Outcome(file, None, "a folder stands in its place")
    return Outcome(file, path)


def _beside(file: KeptFile) -> str:
    path = PurePosixPath(file.path)
    return str(path.with_name(f"{path.stem}.kept-{file.sha256[:8]}{path.suffix}"))
