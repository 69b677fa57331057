"""What git's rule files say of a path: is it ignored, and does git change its bytes?

One process answers for each kind of rule, started when first needed and again when a rule file on the way to
the path changed. Where no rule applies at all, no process is started.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from gitsession import git
from gitsession.git import index
from gitsession.snapshot.user import UserRepository

Stamp = tuple[int, int, int] | None
SYSTEM_ATTRIBUTES = Path("/etc/gitattributes")
RULE_FILES = frozenset({b".gitignore", b".gitattributes"})
_UNSET = frozenset({"unset", "unspecified"})


class Conversion(enum.Enum):
    """What git does to a file's bytes when it adds it."""

    NONE = enum.auto()
    LINE_ENDS = enum.auto()  # only where there is a carriage return
    LFS = enum.auto()  # a pointer stands for it
    PROGRAM = enum.auto()  # a filter, ident, or another encoding


class Rules:
    """Answers for the paths of one work tree.

    Args:
        repository: A repository with the work tree; its index counts where a rule file is missing.
        settings: The settings in force.
    """

    def __init__(self, repository: git.Repository, settings: Mapping[str, str]) -> None:
        self._root = os.fsencode(repository.work_tree or repository.git_dir)
        self._ignore = index.ignore_questions(repository)
        self._attributes = index.attribute_questions(repository)
        self._seen: dict[bytes, Stamp] = {}
        self._held: dict[bytes, bool] = {}
        self._lines = settings.get("core.autocrlf", "false").lower() in ("true", "input", "1", "yes", "on")
        self._general = any(stamps(_general_attributes(repository.git_dir, settings)))

    def close(self) -> None:
        """End the processes."""
        self._ignore.close()
        self._attributes.close()

    def hold(self) -> None:
        """Look at each rule file once from now on, until the next call."""
        self._held = {}

    def is_ignored(self, path: bytes) -> bool:
        """Whether git would leave out an unknown path."""
        self._renew(path, b".gitignore")
        return index.is_ignored(self._ignore.ask(path))

    def conversion(self, path: bytes) -> Conversion:
        """What git would do to the file's bytes."""
        if not (self._renew(path, b".gitattributes") or self._general):
            return Conversion.LINE_ENDS if self._lines else Conversion.NONE
        said = index.attributes(self._attributes.ask(path))
        if said["filter"] == "lfs":
            return Conversion.LFS
        if {said["filter"], said["ident"], said["working-tree-encoding"]} - _UNSET:
            return Conversion.PROGRAM
        if self._lines or {said["text"], said["eol"], said["crlf"]} - _UNSET:
            return Conversion.LINE_ENDS
        return Conversion.NONE

    def _renew(self, path: bytes, name: bytes) -> bool:
        """Restart the processes when a rule file above `path` changed; answers whether there is one."""
        directory = path[: path.rfind(b"/") + 1]
        known = self._held.get(directory + name)
        if known is not None:
            return known
        known, end = False, 0
        while end <= len(directory):
            place = directory[:end] + name
            held = self._held.get(place)
            known = self._held[place] = held if held is not None else self._renewed(place) or known
            end = (directory.find(b"/", end) + 1) or len(directory) + 1
        return known

    def _renewed(self, place: bytes) -> bool:
        stamp = _stamp(self._root + b"/" + place)
        if self._seen.setdefault(place, stamp) != stamp:
            self.close()
            self._seen[place] = stamp
        return stamp is not None


def _stamp(path: bytes | Path) -> Stamp:
    try:
        seen = os.lstat(path)
    except OSError:
        return None
    return (seen.st_mtime_ns, seen.st_size, seen.st_ino)


def general_files(user: UserRepository, settings: Mapping[str, str]) -> tuple[Path, ...]:
    """The rule files outside the work tree, whether they exist or not."""
    return (
        *_general_attributes(user.common_dir, settings),
        user.common_dir / "info/exclude",
        user.git_dir / "info/sparse-checkout",
        Path(settings.get("core.excludesfile") or configuration_folder() / "ignore"),
    )


def configuration_folder() -> Path:
    """Where git looks for the user's own files beside `~/.gitconfig`."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "git"


def stamps(paths: Iterable[bytes | Path]) -> tuple[Stamp, ...]:
    """What tells whether any of these files changed."""
    return tuple(_stamp(path) for path in paths)


def _general_attributes(git_dir: Path, settings: Mapping[str, str]) -> tuple[Path, ...]:
    own = Path(settings.get("core.attributesfile") or configuration_folder() / "attributes")
    return (git_dir / "info/attributes", own, SYSTEM_ATTRIBUTES)
