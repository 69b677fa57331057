"""Names that no tree may hold, since a checkout of them would write into a repository.

The rules are those of git's `verify_path` and `is_ntfs_dotgit`, with `core.protectNTFS` and `core.protectHFS`
on, so that a snapshot can be checked out on every system.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Code points that HFS+ ignores in names, from git's `next_hfs_char`.
_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_DOTGIT_ON_NTFS = re.compile(rb"(?:\.git|git~1)[ .]*(?::.*)?", re.IGNORECASE | re.DOTALL)
DEEPEST = 256  # components: no person's, but a runaway program's or a forger's
_PLAIN = re.compile(rb"\w[\w .+-]*(?:/\w[\w .+-]*)*")  # no rule speaks of such names
_GITMODULES = frozenset({b".gitmodules"})


@lru_cache(maxsize=4096)
def is_repository_name(component: bytes) -> bool:
    """Whether some file system takes this name for `.git`."""
    if any(_DOTGIT_ON_NTFS.fullmatch(part) for part in component.split(b"\\")):
        return True
    try:
        text = component.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _IGNORED_BY_HFS.sub("", text).lower() == ".git"


def refusal(path: bytes, *, symlink: bool = False) -> str | None:
    """Why git refuses a path, or None."""
    if _PLAIN.fullmatch(path) and path.count(b"/") < DEEPEST:
        return None
    components = path.split(b"/")
    if len(components) > DEEPEST:
        return f"more than {DEEPEST} folders deep"
    if any(component in (b"", b".", b"..") for component in components):
        return "not a path inside the work tree"
    if any(map(is_repository_name, components)):
        return "a name that some systems take for .git"
    if symlink and components[-1].lower() in _GITMODULES:
        return "git refuses .gitmodules as a symbolic link"
    return None
