"""Packing in the background, in steps of bounded work, so that reading stays fast and the store small.

Our packs are merged by size: as soon as eight of about one size exist, they become one, deltified. So each
object is packed anew only a few times in a session's life, however long it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from gitsession import files, git
from gitsession.git import objects
from gitsession.snapshot import pack
from gitsession.snapshot.links import THEIRS

GATHERED = 8
LARGEST_STEP = 64_000_000  # bytes that one step packs at most


def step(repository: git.Repository, orphans: Iterable[Path]) -> bool:
    """Do one step, if there is one to do; answers whether there was.

    Args:
        repository: The shadow repository; nothing else packs in it meanwhile.
        orphans: Links to packs that the user's store has no more.
    """
    orphan = next(iter(orphans), None)
    if orphan is not None:
        _let_go(repository, orphan)
        return True
    chosen = choose({path: path.stat().st_size for path in _ours(repository)})
    if chosen:
        _merge(repository, chosen)
    return bool(chosen)


def choose(sizes: dict[Path, int]) -> list[Path]:
    """The packs to merge next: the smallest size class that has gathered enough."""
    classes: dict[int, list[Path]] = {}
    for path, size in sorted(sizes.items()):
        if size * GATHERED <= LARGEST_STEP:
            classes.setdefault(int(math.log(size + 1, GATHERED)), []).append(path)
    full = [size_class for size_class, paths in sorted(classes.items()) if len(paths) >= GATHERED]
    return [path for size_class in full[:1] for path in classes[size_class]]


def _ours(repository: git.Repository) -> Iterable[Path]:
    directory = repository.git_dir / "objects/pack"
    return (path for path in directory.glob("pack-*.pack") if not path.with_suffix(THEIRS).exists())


def _merge(repository: git.Repository, packs: list[Path]) -> None:
    oids = {oid for path in packs for oid in pack.names(path.with_suffix(".idx"))}
    fresh = _repack(repository, oids)
    for path in packs:
        if path.stem != fresh:
            _remove(path)


def _let_go(repository: git.Repository, orphan: Path) -> None:
    """Drop a link once all that it alone holds lies in a pack of ours."""
    others = [path for path in orphan.parent.glob("pack-*.idx") if path.stem != orphan.stem]
    elsewhere = {oid for path in others for oid in pack.names(path)}
    fresh = _repack(repository, set(pack.names(orphan.with_suffix(".idx"))) - elsewhere)
    if fresh == orphan.stem:
        orphan.with_suffix(THEIRS).unlink()
    else:
        _remove(orphan)


def _repack(repository: git.Repository, oids: set[bytes]) -> str:
    """Write a pack of these objects durably and answer with its stem; none for no objects."""
    if not oids:
        return ""
    directory = repository.git_dir / "objects/pack"
    name = objects.pack(repository, sorted(oid.hex() for oid in oids), directory / "pack")
    for suffix in (".pack", ".idx"):
        files.sync_file(directory / f"pack-{name}{suffix}")
    files.sync_directory(directory)
    return f"pack-{name}"


def _remove(path: Path) -> None:
    for suffix in (".idx", ".rev", ".promisor", THEIRS, ".pack"):
        path.with_suffix(suffix).unlink(missing_ok=True)
