"""What a session keeps beside its snapshots: contents that only the vault has, and what was allowed.

In a state commit it is `kept.json`; absent where there is nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from gitsession import git
from gitsession.model import Level
from gitsession.snapshot import names
from gitsession.snapshot.state import layout, reading

FILE = "kept.json"
REGULAR, EXECUTABLE, LINK = 0o100644, 0o100755, 0o120000
_KINDS = ("paths", "findings", "once")


@dataclass(frozen=True)
class KeptFile:
    """A path whose content lies in the vault's `held/`.

    Args:
        path: Relative to the work tree.
        sha256: The content's name there; empty for a symbolic link.
        size: Bytes.
        mode: As in a tree: 0o100644, 0o100755, or 0o120000 for a symbolic link.
        mtime: Modification time in nanoseconds.
        level: How strongly it is kept.
        link: Where a symbolic link points.
        awaited: It is not in the work tree: left in the vault, or the vault was out of reach.
    """

    path: str
    sha256: str
    size: int
    mode: int = REGULAR
    mtime: int = 0
    level: Level = Level.NONE
    link: str = ""
    awaited: bool = False


@dataclass(frozen=True)
class Keeping:
    """What a session keeps beside its snapshots.

    Args:
        keep: Patterns of ignored paths that go to the vault.
        lazy: Patterns of those that stay there until they are asked for.
        files: The files, in the order in which they came; of two with one path the last is the newest.
        allowed: What may leave although the guard would hold it, see `replicas.guard.Allowed`.
        salt: That of the findings in it; empty while there are none. It tells nothing of what is held.
    """

    keep: tuple[str, ...] = ()
    lazy: tuple[str, ...] = ()
    files: tuple[KeptFile, ...] = ()
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    salt: str = ""

    @property
    def awaited(self) -> tuple[KeptFile, ...]:
        """The files that are not in the work tree."""
        return tuple(file for file in self.files if file.awaited)

    def with_patterns(self, keep: Iterable[str], lazy: Iterable[str]) -> Keeping:
        """The same with more patterns."""
        return replace(
            self,
            keep=tuple(dict.fromkeys((*self.keep, *keep))),
            lazy=tuple(dict.fromkeys((*self.lazy, *lazy))),
        )

    def to_json(self) -> dict[str, Any]:
        """The form of `kept.json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Keeping:
        """Read what `to_json` wrote.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: It is damaged or hostile.
        """
        return cls(
            _texts(item["keep"]),
            _texts(item["lazy"]),
            tuple(map(_file, item["files"])),
            {kind: _texts(item["allowed"].get(kind, ())) for kind in _KINDS if item["allowed"].get(kind)},
            *_texts([item.get("salt", "")]),
        )


def dump(keeping: Keeping) -> bytes | None:
    """The content of `kept.json`; None where there is nothing to keep."""
    return None if keeping == Keeping() else layout.dump(keeping.to_json())


def read(source: git.Repository, state: str) -> Keeping:
    """What a state commit keeps beside its snapshot.

    Raises:
        FormatError: It is damaged or hostile.
    """
    content = reading.small_file(source, state, FILE)
    if content is None:
        return Keeping()
    item = layout.load(content, FILE)
    try:
        return Keeping.from_json(item)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as wrong:
        raise layout.damaged(f"{FILE}: {wrong}") from wrong


def _texts(items: Iterable[Any]) -> tuple[str, ...]:
    found = tuple(items)
    if isinstance(items, str) or not all(isinstance(item, str) and "\0" not in item for item in found):
        raise ValueError("a list of texts holds something else")
    return found


def _file(item: Mapping[str, Any]) -> KeptFile:
    path, link = layout.safe_path(item["path"]), item["link"]
    mode = layout.whole_number(item["mode"])
    if names.refusal(path.encode("utf-8", "surrogateescape"), symlink=mode == LINK):
        raise ValueError(f"{path!r:.80} may not be written")
    if mode not in (REGULAR, EXECUTABLE, LINK) or not isinstance(link, str) or "\0" in link:
        raise ValueError(f"{path!r:.80} is no file that is kept")
    sha256 = "" if mode == LINK else layout.object_id(item["sha256"])
    if len(sha256) not in (0, 64) or type(item["mtime"]) is not int or not 0 <= item["mtime"] < 2**63:
        raise ValueError(f"{path!r:.80} has no content or no time")
    size, level = layout.whole_number(item["size"]), Level(item["level"])
    return KeptFile(path, sha256, size, mode, item["mtime"], level, link, item["awaited"] is True)
