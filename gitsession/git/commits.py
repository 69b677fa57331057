"""Commits made and merged without a work tree: what a review branch is built from."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitsession.errors import GitError
from gitsession.git import staging
from gitsession.git.command import Repository
from gitsession.model import Identity

_UNKNOWN_OPTION = 129  # a git without `merge-tree --write-tree`, before 2.38, prints its usage


@dataclass(frozen=True)
class Conflict:
    """A path that both sides changed, with its blobs; None on a side where it is not there."""

    path: str
    base: str | None
    ours: str | None
    theirs: str | None


@dataclass(frozen=True)
class Merged:
    """How two commits merge: the paths in conflict, none when they merge cleanly."""

    conflicts: tuple[Conflict, ...]


def commit(
    repository: Repository,
    tree: str,
    parents: Sequence[str],
    message: str,
    author: Identity,
    *,
    signing: Mapping[str, str] | None = None,
) -> str:
    """Make a commit whose author and committer are the same person.

    Args:
        signing: The user's settings for signing (`user.signingKey`, `gpg.format`); None leaves it unsigned.

    Raises:
        GitError: The objects are not there, or it cannot be signed.
    """
    people = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", author.name), ("EMAIL", author.email))
    }
    signed = replace(repository, config={**repository.config, **(signing or {})})
    arguments = [word for parent in parents for word in ("-p", parent)]
    sign = ["-S"] if signing is not None else ["--no-gpg-sign"]
    done = signed.run(
        "commit-tree", *sign, *arguments, tree, stdin=message.encode("utf-8", "replace"), env=people
    )
    return done.stdout.decode().strip()


def write_blob(repository: Repository, content: bytes) -> str:
    """Store a blob, and answer with its id."""
    return repository.output("hash-object", "-w", "--stdin", stdin=content).decode().strip()


def write_flat_tree(repository: Repository, files: Mapping[str, str]) -> str:
    """Store a tree of plain files, given as name and blob."""
    lines = "".join(f"100644 blob {oid}\t{name}\0" for name, oid in sorted(files.items()))
    return repository.output("mktree", "-z", stdin=lines.encode("utf-8", "surrogateescape")).decode().strip()


def with_files(repository: Repository, tree: str, files: Mapping[str, tuple[int, str]]) -> str:
    """A tree with some paths replaced, given as mode and blob."""
    with tempfile.TemporaryDirectory(prefix="gitsession-") as folder:
        apart = replace(repository, index=Path(folder) / "index")
        apart.output("read-tree", tree)  # with --reset it would want a work tree
        staging.stage(apart, [(path, mode, oid, 0) for path, (mode, oid) in files.items()])
        return staging.write_tree(apart)


def merge_base(repository: Repository, one: str, other: str) -> str | None:
    """The best common ancestor; None for unrelated histories."""
    done = repository.run("merge-base", one, other, accept=(0, 1))
    return done.stdout.decode().split("\n")[0].strip() or None


def is_ancestor(repository: Repository, older: str, newer: str) -> bool:
    """Whether a commit is the other, or in its history."""
    return repository.run("merge-base", "--is-ancestor", older, newer, accept=(0, 1)).code == 0


def named(repository: Repository, ref: str) -> str:
    """What a full ref names.

    Raises:
        GitError: There is no such ref.
    """
    return repository.text("rev-parse", "--verify", "--end-of-options", ref)


def tree_of(repository: Repository, commit: str) -> str:
    """A commit's tree."""
    return repository.text("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}")


def subjects(repository: Repository, since: str, tip: str) -> tuple[tuple[str, str], ...]:
    """The commits of a range, oldest first, as id and subject."""
    listed = repository.text("log", "--reverse", "--format=%H%x00%s", f"{since}..{tip}", "--")
    pairs = (line.partition("\0") for line in listed.splitlines())
    return tuple((oid, subject) for oid, _, subject in pairs)


def made_by(repository: Repository, tip: str, known: Sequence[str] = ()) -> tuple[tuple[str, str], ...]:
    """The commits that a tip adds to the known ones, newest first, as committer's address and subject."""
    excluded = [f"^{oid}" for oid in known]
    listed = repository.text("log", "--no-show-signature", "--format=%ce%x00%s", tip, *excluded, "--")
    pairs = (line.partition("\0") for line in listed.splitlines())
    return tuple((email, subject) for email, _, subject in pairs)


def default_of_clone(repository: Repository) -> str | None:
    """The remote's default branch as the clone noted it; None where it did not."""
    prefix = "refs/remotes/origin/"
    done = repository.run("symbolic-ref", "--quiet", f"{prefix}HEAD", accept=(0, 1, 128))
    return done.stdout.decode().strip().removeprefix(prefix) if done.code == 0 else None


def merge(repository: Repository, ours: str, theirs: str) -> Merged:
    """Try a merge in memory; nothing but loose objects is written.

    Raises:
        GitError: The commits are not there or have no common ancestor.
    """
    try:
        done = repository.run(
            "merge-tree",
            "--write-tree",
            "-z",
            "--no-messages",
            "--allow-unrelated-histories",
            ours,
            theirs,
            accept=(0, 1),
        )
    except GitError as error:
        if "usage: git merge-tree" not in error.stderr and "unknown option" not in error.stderr:
            raise
        return merge_by_index(repository, ours, theirs)
    _, *entries = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return Merged(_conflicts(entries))


def merge_by_index(repository: Repository, ours: str, theirs: str) -> Merged:
    """The same for a git before 2.38: a three-way read into an index of its own, then file by file."""
    base = merge_base(repository, ours, theirs)
    with tempfile.TemporaryDirectory(prefix="gitsession-") as folder:
        apart = replace(repository, index=Path(folder) / "index")
        trees = [tree_of(repository, name) for name in (base, ours, theirs) if name]
        apart.run("read-tree", "-i", "-m", "--aggressive", *trees)
        listed = apart.output("ls-files", "-u", "-z").decode("utf-8", "surrogateescape")
        found = _conflicts(listed.split("\0"))
        return Merged(tuple(item for item in found if not _merges(repository, item, Path(folder))))


def _conflicts(entries: Sequence[str]) -> tuple[Conflict, ...]:
    """Entries such as `100644 <oid> 2\t<path>`, several for each path."""
    sides: dict[str, dict[str, str]] = {}
    for entry in entries:
        fields, tab, path = entry.partition("\t")
        if tab:
            _, oid, stage = fields.split(" ")
            sides.setdefault(path, {})[stage] = oid
    return tuple(Conflict(path, *(side.get(stage) for stage in "123")) for path, side in sides.items())


def _merges(repository: Repository, conflict: Conflict, folder: Path) -> bool:
    """Whether the lines of a path that both sides changed merge."""
    if conflict.base is None or conflict.ours is None or conflict.theirs is None:
        return False
    names = [folder / side for side in ("ours", "base", "theirs")]
    for name, oid in zip(names, (conflict.ours, conflict.base, conflict.theirs), strict=True):
        name.write_bytes(repository.output("cat-file", "blob", oid))
    return repository.run("merge-file", "-q", "-p", *map(str, names), accept=range(256)).code == 0
