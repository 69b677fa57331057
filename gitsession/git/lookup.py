"""Objects by name: what they are and what they hold, many in one process."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from gitsession import files
from gitsession.git.command import Repository

_KINDS = frozenset({"commit", "tree", "blob", "tag"})


def kinds_and_sizes(repository: Repository, names: Sequence[str]) -> list[tuple[str, str, int] | None]:
    """Oid, type and size of each name (any revision in one line); None where there is no such object."""
    if not names:
        return []
    stdin = "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
    lines = repository.output("cat-file", "--batch-check", stdin=stdin).decode("utf-8", "surrogateescape")
    return [_kind_and_size(line) for line in lines.splitlines()]


def _kind_and_size(line: str) -> tuple[str, str, int] | None:
    fields = line.split(" ")
    if len(fields) != 3 or fields[1] not in _KINDS:
        return None
    return fields[0], fields[1], int(fields[2])


def contents(repository: Repository, names: Iterable[str]) -> list[bytes | None]:
    """The content of each named object; None where there is none. Check sizes of foreign ones first."""
    asked = list(names)
    if not asked:
        return []
    stdin = "".join(f"{name}\n" for name in asked).encode("utf-8", "surrogateescape")
    answer = repository.output("cat-file", "--batch", stdin=stdin)
    found: list[bytes | None] = []
    at = 0
    for _ in asked:
        end = answer.index(b"\n", at)
        known = _kind_and_size(answer[at:end].decode("utf-8", "surrogateescape"))
        at = end + 1
        found.append(None if known is None else answer[at : at + known[2]])
        at += 0 if known is None else known[2] + 1
    return found


def unpack(repository: Repository, pack: bytes) -> None:
    """Write a small pack's objects loose, checked by git: every link must lead to something that is there.

    Raises:
        GitError: An object names one that the repository lacks.
    """
    repository.output("unpack-objects", "-q", "--strict", stdin=pack)


def tree_files(repository: Repository, tree: str, *paths: str) -> dict[str, tuple[int, str, str, int]]:
    """Files of a tree below the given paths: mode, type, oid and size (0 for a submodule) by path."""
    listing = repository.output("ls-tree", "-r", "-z", "-l", "--full-tree", tree, "--", *paths)
    found = {}
    for line in listing.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        fields, _, path = line.partition("\t")
        mode, kind, oid, size = fields.split()
        found[path] = (int(mode, 8), kind, oid, int(size) if size.isdigit() else 0)
    return found


def empty_blob(repository: Repository) -> str:
    """The oid of an empty file, which is written where it is not there yet."""
    return repository.output("hash-object", "-w", "--stdin", stdin=b"").decode().strip()


def subtrees(repository: Repository, tree: str, folder: str) -> list[str]:
    """The trees that lie directly in a folder of a tree."""
    listing = repository.output("ls-tree", "-z", "--full-tree", tree, "--", f"{folder}/")
    lines = listing.decode("utf-8", "surrogateescape").split("\0")
    return [line.split()[2] for line in lines if line.startswith("040000 ")]


def write_tag(repository: Repository, content: bytes) -> str:
    """Write a tag object, checked by git, and answer with its oid.

    Raises:
        GitError: It is no tag, or what it names is not there.
    """
    return repository.output("hash-object", "-t", "tag", "-w", "--stdin", stdin=content).decode().strip()


def copy(source: Repository, into: Path, wanted: Sequence[str], has: Sequence[str]) -> None:
    """Copy objects with all they reach as one pack, less what is reachable from `has`.

    Args:
        source: Where they are.
        into: The git directory that gets them.
        wanted: Commits and trees.
        has: Commits and trees that `into` has; ids that `source` does not know are ignored.
    """
    if not wanted:
        return
    known = kinds_and_sizes(source, has)
    excluded = [f"^{oid}" for oid, found in zip(has, known, strict=True) if found is not None]
    stdin = "".join(f"{line}\n" for line in (*wanted, *excluded)).encode()
    store = into / "objects" / "pack"
    store.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=files.TEMPORARY_PREFIX, dir=source.git_dir) as scratch:
        options = ("--revs", "--missing=allow-promisor", "--delta-base-offset", "--non-empty", "-q")
        source.output("pack-objects", *options, str(Path(scratch, "pack")), stdin=stdin)
        for ending in ("pack", "idx"):  # an index makes its pack visible, so it comes last
            for path in Path(scratch).glob(f"*.{ending}"):
                with files.atomic_path(store / path.name) as copied:
                    shutil.copyfile(path, copied)
