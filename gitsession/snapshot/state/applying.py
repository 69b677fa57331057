"""Putting a state back: HEAD, branches, index, the operation under way, stash and times, in a fresh clone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gitsession import git
from gitsession.errors import WorkTreeError
from gitsession.git import configuration, lookup, objects, refs, staging
from gitsession.git.refs import Ref
from gitsession.snapshot.state import layout, modified, operations, reading
from gitsession.snapshot.state.gathering import SETTINGS
from gitsession.snapshot.state.layout import State
from gitsession.snapshot.user import UserRepository

Consent = Callable[[str], bool]


@dataclass(frozen=True)
class Applied:
    """What was put back.

    Args:
        state: The state, as read.
        operation: The operation that goes on where it had stopped: `rebase-merge`, `merge`, None.
        refused: What consent was not given to, and is left out.
        left_out: Refs, stash entries and paths that the state does not hold: they were not allowed to leave.
        submodules: The commit that was checked out in each submodule; they are not fetched here.
    """

    state: State
    operation: str | None
    refused: tuple[str, ...]
    left_out: tuple[str, ...]
    submodules: Mapping[str, str]


@dataclass
class _Asked:
    consent: Consent
    refused: list[str] = field(default_factory=list)

    def __call__(self, question: str) -> bool:
        given = self.consent(question)
        if not given:
            self.refused.append(question)
        return given


def apply(
    state: str, source: git.Repository, user: UserRepository, *, consent: Callable[[str], bool]
) -> Applied:
    """Put a state back into a fresh clone whose work tree was restored from the state's snapshot.

    Args:
        state: The state commit.
        source: The repository that has it.
        user: The fresh clone.
        consent: Asked, in words for people, before anything is restored that would run something later.

    Raises:
        FormatError: The state is newer, damaged or hostile; nothing was changed.
        WorkTreeError: An operation is under way in the clone; nothing was changed.
    """
    told = reading.read(source, state)
    asked = _Asked(consent)
    operation = operations.checked(reading.operation(source, state), asked)
    times = reading.mtimes(source, state)
    _require_fresh(user)
    _bring_objects(state, source, user)
    _restore_refs(told, user)
    _restore_settings(told, user)
    modified.restore(times, user.work_tree)
    _restore_index(told, source, user)
    _restore_operation(operation, user.git_dir)
    _restore_stash(told, user)
    return Applied(
        told,
        operations.in_progress(user.git_dir),
        tuple(asked.refused),
        told.left_out,
        told.submodules,
    )


def _require_fresh(user: UserRepository) -> None:
    if (running := operations.in_progress(user.git_dir)) is not None:
        raise WorkTreeError(
            f"A {running} is under way in {user.work_tree}.",
            safe="Nothing was changed.",
            hint="Finish or abort it, or resume in another directory.",
        )


def _bring_objects(state: str, source: git.Repository, user: UserRepository) -> None:
    """Copy what the state names into the clone: neither the snapshots nor the state itself."""
    if source.git_dir.resolve() == user.common_dir.resolve():
        return
    tips = reading.parents(source, state)[1:]
    trees = [tree for tree in reading.index_trees(source, state) if tree is not None]
    trees += lookup.subtrees(source, state, "trees")
    has = sorted({ref.oid for ref in refs.listed(user.repository).values()})
    at_head = objects.tree_of(user.repository, "HEAD")  # git looks into trees of commits only below new ones
    lookup.copy(source, user.common_dir, [*tips, *trees], [*has, *([at_head] if at_head else [])])
    for content in reading.tags(source, state):
        lookup.write_tag(user.repository, content)


def _restore_refs(told: State, user: UserRepository) -> None:
    repository = user.repository
    present = refs.listed(repository)
    _log_switches(told, repository)
    head_ref, head_commit = told.head.ref, told.head.commit
    values = {name: oid for name, oid in told.refs.items() if not _stays(name, present)}
    if head_ref is None and head_commit is not None and _exists(repository, head_commit):
        refs.update(repository, {"HEAD": head_commit})
    elif head_ref is not None:
        _keep_branch(told, head_ref, present, values, repository)
        refs.attach(repository, head_ref)
    born = {name: ref.oid for name, ref in present.items() if _only_from_clone(name, ref, present, told)}
    refs.update(repository, values, born)
    for name in born:
        for key in configuration.matching(repository, r"^branch\..*"):
            if (known := layout.branch_of(key)) and f"refs/heads/{known[0]}" == name:
                configuration.put(repository, key, ())


def _log_switches(told: State, repository: git.Repository) -> None:
    found = lookup.kinds_and_sizes(repository, [entry.oid for entry in told.switches])
    there = [entry for entry, what in zip(told.switches, found, strict=True) if what is not None]
    refs.write_log(repository.git_dir, "HEAD", there[::-1])


def _stays(name: str, present: Mapping[str, Ref]) -> bool:
    """What the clone just heard from the remote is newer than what was heard before."""
    return name.startswith(("refs/remotes/", "refs/tags/")) and name in present


def _exists(repository: git.Repository, commit: str) -> bool:
    return lookup.kinds_and_sizes(repository, [commit])[0] is not None


def _keep_branch(
    told: State,
    head_ref: str,
    present: Mapping[str, Ref],
    values: dict[str, str],
    repository: git.Repository,
) -> None:
    """A branch whose commits were not allowed to leave stands where the remote has it, not nowhere."""
    if head_ref in told.refs or head_ref not in told.left_out or head_ref in present:
        return
    followed = present.get(head_ref.replace("refs/heads/", "refs/remotes/origin/", 1))
    values[head_ref] = followed.oid if followed else repository.text("rev-parse", "--verify", "HEAD")


def _only_from_clone(name: str, ref: Ref, present: Mapping[str, Ref], told: State) -> bool:
    """A branch that cloning made, which the user did not have, and which holds nothing of its own."""
    if not name.startswith("refs/heads/") or name in told.refs or name in told.left_out:
        return False
    same = any(other.oid == ref.oid for at, other in present.items() if at.startswith("refs/remotes/"))
    return same and (told.complete or name == told.head.ref)


def _restore_settings(told: State, user: UserRepository) -> None:
    repository = user.repository
    current = configuration.matching(repository, SETTINGS)
    for key in sorted({*current, *told.config}):
        branch = layout.branch_of(key)
        ours = key in layout.SPARSE_KEYS or (branch and branch[0] in told.branches)
        wanted = told.config.get(key, ())
        if ours and current.get(key, ()) != wanted:
            configuration.put(repository, key, wanted)
    if told.sparse is not None:
        info = user.git_dir / "info"
        info.mkdir(exist_ok=True)
        _write_new(info / "sparse-checkout", told.sparse)


def _restore_index(told: State, source: git.Repository, user: UserRepository) -> None:
    repository = user.repository
    entries, *stages = reading.index_trees(source, told.oid)
    if entries is None:
        user.index.unlink(missing_ok=True)
        return
    staging.read_tree(repository, entries)
    for number, tree in enumerate(stages, 1):
        if tree is not None:
            listed = lookup.tree_files(repository, tree)
            staging.stage(
                repository, [(path, mode, oid, number) for path, (mode, _, oid, _) in listed.items()]
            )
    flags = told.flags
    staging.intend_to_add(user.index, flags.intent_to_add, lookup.empty_blob(repository))
    staging.refresh(repository)
    if told.config.get("core.sparsecheckout") == ("true",):
        staging.reapply_sparse(repository)
    staging.flag(repository, "--skip-worktree", flags.skip_worktree)
    staging.flag(repository, "--assume-unchanged", flags.assume_unchanged)


def _restore_operation(files: Mapping[str, bytes], git_dir: Path) -> None:
    for name, content in files.items():
        target = git_dir / name
        target.parent.mkdir(exist_ok=True)
        _write_new(target, content)


def _write_new(target: Path, content: bytes) -> None:
    """Write a file in the place of whatever has its name, through no link."""
    target.unlink(missing_ok=True)
    with target.open("xb") as file:
        file.write(content)


def _restore_stash(told: State, user: UserRepository) -> None:
    there = {entry.oid for entry in refs.reflog(user.repository, "refs/stash")}
    entries = [entry for entry in reversed(told.stash) if entry.oid not in there]
    refs.append_to_log(user.repository, "refs/stash", entries)
