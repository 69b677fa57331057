"""Files of Git LFS that stand in the work tree as their pointers alone: said at `open`, never silently so."""

from __future__ import annotations

from gitsession.errors import GitError
from gitsession.git import lfs as git_lfs
from gitsession.resume.contents import named
from gitsession.snapshot import lfs
from gitsession.snapshot.user import UserRepository

FETCH = "`git lfs install --skip-repo && git lfs pull` brings their contents"


def pointers_told(user: UserRepository) -> tuple[str, ...]:
    """A note where files are only pointers, with what brings their contents; none where all are there."""
    try:
        paths = [path for path in git_lfs.files(user.repository) if _is_pointer(user, path)]
    except GitError:
        return ()
    if not paths:
        return ()
    what = f"Only the Git LFS pointers are there of {named([_shown(path) for path in paths])}"
    if git_lfs.is_there():
        return (f"{what}: {FETCH}.",)
    return (f"{what}: git-lfs is not installed. Install it (`apt-get install git-lfs`); then {FETCH}.",)


def _is_pointer(user: UserRepository, path: bytes) -> bool:
    place = user.work_tree / _shown(path)
    try:
        if place.is_symlink() or not place.is_file() or place.stat().st_size >= lfs.MAX_POINTER:
            return False
        return lfs.is_pointer(place.read_bytes())
    except OSError:
        return False


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
