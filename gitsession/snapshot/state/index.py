"""The user's index as trees of a state, without what may not leave."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

from gitsession import files, git
from gitsession.git import lookup, objects, staging
from gitsession.snapshot.state import layout
from gitsession.snapshot.state.layout import Flags
from gitsession.snapshot.state.objects import TREE_MODE
from gitsession.snapshot.state.parts import Parts, Source
from gitsession.snapshot.trees import EMPTY_TREE
from gitsession.snapshot.values import Head


def write_index(parts: Parts, source: Source, head: Head) -> None:
    """Put the index in: its entries, conflicts, flags and submodules, and what is checked out sparsely."""
    sparse = source.user.git_dir / "info" / "sparse-checkout"
    if sparse.is_file() and not sparse.is_symlink():
        parts.write("sparse-checkout", sparse.read_bytes())
    if not source.user.index.is_file():
        return
    with tempfile.TemporaryDirectory(prefix=files.TEMPORARY_PREFIX, dir=source.into.git_dir) as scratch:
        copy = Path(scratch, "index")
        shutil.copyfile(source.user.index, copy)
        _write_index_copy(parts, source, copy, head)


def _write_index_copy(parts: Parts, source: Source, copy: Path, head: Head) -> None:
    private = git.Repository(source.into.git_dir, None, copy)
    index = staging.parse(copy.read_bytes())
    if not index.self_contained:
        staging.make_self_contained(private, source.user.git_dir)
        index = staging.parse(copy.read_bytes())
    barred = {entry.path for entry in index.entries if entry.oid.hex() in source.without}
    unmerged = [entry for entry in index.entries if entry.stage]
    zero = "0" * 40
    out = sorted({entry.path for entry in unmerged if entry.stage} | barred)
    staging.stage(private, [(path, 0, zero, 0) for path in out])
    staging.stage(private, _versions_of_head(source, head, barred - {entry.path for entry in unmerged}))
    tree = staging.write_tree(private)
    if unspeakable := _unspeakable_names(parts, source, head, tree):
        staging.stage(private, [(path, 0, zero, 0) for path in sorted(unspeakable)])
        tree = staging.write_tree(private)
    barred |= unspeakable.union(e.path for e in unmerged if not source.may_say(e.path))
    parts.left_out += map(source.redact, sorted(barred))
    parts.files["index/entries"] = (TREE_MODE, tree)
    for stage in (1, 2, 3):
        chosen = {
            e.path: (e.mode, e.oid.hex()) for e in unmerged if e.stage == stage and e.path not in barred
        }
        if chosen:
            parts.files[f"index/stage{stage}"] = (TREE_MODE, parts.batch.tree(chosen))
    _write_flags(parts, source, index)
    _write_submodules(parts, source, index)


def _unspeakable_names(parts: Parts, source: Source, head: Head, tree: str) -> set[str]:
    """The staged paths that have a secret in their names, and that no HEAD brings along."""
    base = head.commit if head.commit in parts.tips else None
    staged = (
        os.fsdecode(change.path)
        for change in objects.differences(source.into, base or EMPTY_TREE.hex(), tree)
        if not int(change.old_mode)
    )
    return {path for path in staged if not source.may_say(path)}


def _versions_of_head(source: Source, head: Head, paths: Collection[str]) -> list[tuple[str, int, str, int]]:
    if head.commit is None or not paths:
        return []
    found = lookup.tree_files(source.into, head.commit, *sorted(paths))
    return [(path, mode, oid, 0) for path, (mode, _, oid, _) in found.items() if oid not in source.without]


def _write_flags(parts: Parts, source: Source, index: staging.Index) -> None:
    meant = (entry for entry in index.entries if entry.intent_to_add)
    flags = Flags(
        {entry.path: entry.mode for entry in meant if source.may_say(entry.path)},
        tuple(entry.path for entry in index.entries if entry.skip_worktree),
        tuple(entry.path for entry in index.entries if entry.assume_unchanged),
    )
    if flags != Flags():
        parts.write("index/flags.json", layout.dump(flags.to_json()))


def _write_submodules(parts: Parts, source: Source, index: staging.Index) -> None:
    found = {}
    work_tree = source.user.work_tree
    for entry in (entry for entry in index.entries if entry.mode == staging.GITLINK):
        inside = work_tree / entry.path / ".git"
        if inside.exists() and source.may_say(entry.path):
            head = git.Repository(inside, work_tree / entry.path).run(
                "rev-parse", "--verify", "HEAD^{commit}", accept=(0, 128)
            )
            if head.code == 0:
                found[entry.path] = head.stdout.decode().strip()
    if found:
        parts.write("submodules.json", layout.dump(found))
