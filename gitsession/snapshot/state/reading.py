"""Reading a state commit, which someone else may have written."""

from __future__ import annotations

from gitsession import git
from gitsession.errors import FormatError, NewerFormat
from gitsession.git import lookup
from gitsession.snapshot.state import layout, modified, operations
from gitsession.snapshot.state.layout import State, damaged

_MAX_SMALL = 32_000_000
_MAX_FILES = 100_000


def read(source: git.Repository, state: str) -> State:
    """Read a state commit's small files.

    Raises:
        FormatError: It is none, damaged, hostile, or written by a newer gitsession.
    """
    names = (*layout.ALWAYS, *layout.SOMETIMES)
    asked = [f"{state}^{{commit}}", *(f"{state}:{name}" for name in names)]
    found = lookup.kinds_and_sizes(source, asked)
    if found[0] is None:
        raise damaged("there is no such commit")
    layout.check_version(_small(source, state, ["version"]).get("version"))
    present = [name for name, what in zip(names, found[1:], strict=True) if what is not None]
    for name, what in zip(names, found[1:], strict=True):
        if what is not None and (what[1] != "blob" or what[2] > _MAX_SMALL):
            raise damaged(f"{name} is no small file")
    return layout.parse(found[0][0], parents(source, found[0][0])[0], _small(source, state, present))


def flaw(source: git.Repository, state: str) -> str:
    """Why a session cannot go on from a state; empty where it can, also after an upgrade."""
    try:
        read(source, state)
        operations.checked(operation(source, state), lambda _: False)
        mtimes(source, state)
    except NewerFormat:
        return ""
    except FormatError as error:
        return error.what
    return ""


def parents(source: git.Repository, state: str) -> list[str]:
    """A state commit's parents: its snapshot, then what it makes reachable.

    Raises:
        FormatError: It has none.
    """
    (content,) = lookup.contents(source, [state])
    head = (content or b"").partition(b"\n\n")[0].decode("utf-8", "replace")
    found = [line[7:] for line in head.splitlines() if line.startswith("parent ")]
    if not found:
        raise damaged("it has no snapshot")
    return found


def operation(source: git.Repository, state: str) -> dict[str, bytes]:
    """The files of the operation that was under way, unchecked, by name relative to the git directory.

    Raises:
        FormatError: Something else than small plain files is there.
    """
    return _folder(source, state, "operation", operations.MAX_TOTAL)


def tags(source: git.Repository, state: str) -> list[bytes]:
    """The tag objects that the state holds."""
    return list(_folder(source, state, "tags", _MAX_SMALL).values())


def mtimes(source: git.Repository, state: str) -> dict[str, dict[str, int]]:
    """Modification times in nanoseconds, by directory (empty for the root) and name."""
    kept = _folder(source, state, "mtimes", _MAX_SMALL)
    return dict(modified.parse(name, content) for name, content in kept.items())


def small_file(source: git.Repository, state: str, name: str) -> bytes | None:
    """A file of a state, None where it has none.

    Raises:
        FormatError: It is no small plain file.
    """
    (what,) = lookup.kinds_and_sizes(source, [f"{state}:{name}"])
    if what is not None and (what[1] != "blob" or what[2] > _MAX_SMALL):
        raise damaged(f"{name} is no small file")
    return None if what is None else _small(source, state, [name])[name]


def index_trees(source: git.Repository, state: str) -> list[str | None]:
    """The tree of the index and those of the conflict stages 1 to 3; None where there is none."""
    names = ("entries", "stage1", "stage2", "stage3")
    found = lookup.kinds_and_sizes(source, [f"{state}:index/{name}" for name in names])
    return [what[0] if what is not None and what[1] == "tree" else None for what in found]


def trees(source: git.Repository, state: str) -> list[str]:
    """The trees that no commit reaches but the state alone: those of its index, and of a merge under way."""
    return [tree for folder in ("index", "trees") for tree in lookup.subtrees(source, state, folder)]


def _small(source: git.Repository, state: str, names: list[str]) -> dict[str, bytes]:
    found = lookup.contents(source, [f"{state}:{name}" for name in names])
    return {name: content for name, content in zip(names, found, strict=True) if content is not None}


def _folder(source: git.Repository, state: str, folder: str, limit: int) -> dict[str, bytes]:
    listed = lookup.tree_files(source, state, f"{folder}/")
    if len(listed) > _MAX_FILES or sum(size for *_, size in listed.values()) > limit:
        raise FormatError(
            "The saved state is larger than any that we write.",
            safe="Nothing was changed.",
            hint="Upgrade gitsession; if it stays, go back to an earlier snapshot.",
        )
    for path, (mode, kind, _, _) in listed.items():
        if mode != 0o100644 or kind != "blob":
            raise damaged(f"{path!r:.80} is no plain file")
    found = lookup.contents(source, [oid for _, _, oid, _ in listed.values()])
    return {path.partition("/")[2]: content or b"" for path, content in zip(listed, found, strict=True)}
