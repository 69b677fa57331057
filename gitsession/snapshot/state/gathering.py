"""Reading what of the user's git no snapshot can hold, and choosing what of it may go into a state."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gitsession import files, git
from gitsession.git import configuration, lookup, refs, staging
from gitsession.git.refs import ORIGIN, Logged, Ref
from gitsession.snapshot.state import layout, operations
from gitsession.snapshot.state.layout import Flags
from gitsession.snapshot.state.objects import TREE_MODE, Batch, TreeEntry
from gitsession.snapshot.user import UserRepository
from gitsession.snapshot.values import Head

SETTINGS = r"^(branch\..*|core\.sparsecheckout(cone)?|index\.sparse)$"
_SWITCHES = 10
UNNAMED = "refs/heads/unnamed"  # stands for an unborn branch whose name may not be told


@dataclass
class Parts:
    """What a state is made of while it is put together."""

    batch: Batch
    files: dict[str, TreeEntry] = field(default_factory=dict)
    tips: dict[str, None] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def write(self, name: str, content: bytes) -> None:
        """Put a small file in."""
        self.files[name] = self.batch.blob(content)


@dataclass(frozen=True)
class Source:
    """Where a state is gathered from, and what of it may go in."""

    user: UserRepository
    into: git.Repository
    publish: str
    known_tags: Mapping[str, str]
    without: frozenset[str]
    redact: Callable[[str], str] = str

    def may_say(self, text: str) -> bool:
        """Whether a text has no secret in it."""
        return self.redact(text) == text

    def redacted(self, content: bytes) -> bytes:
        """The content of a text file without its secrets."""
        return self.redact(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def may_leave(self, commit: str, known: Collection[str]) -> bool:
        """Whether nothing that a commit adds to what the remote is known to have is to stay here."""
        if not self.without:
            return True
        stdin = "".join(f"{line}\n" for line in (commit, *(f"^{oid}" for oid in known))).encode()
        listed = self.into.output("rev-list", "--objects", "--stdin", stdin=stdin).decode("utf-8", "replace")
        return self.without.isdisjoint(line.partition(" ")[0] for line in listed.splitlines())


def gather(parts: Parts, source: Source) -> None:
    """Put everything that belongs to the git state, and may leave, into `parts`."""
    repository = source.user.repository
    everything = refs.listed(repository)
    head = Head(*refs.head(repository, everything))
    known = {ref.oid for name, ref in everything.items() if name.startswith(ORIGIN)}
    operation = operations.collect(source.user.git_dir)
    chosen = _chosen(everything, head, operation, source)
    unspeakable = _unspeakable(source, chosen)
    parts.left_out += map(source.redact, sorted(unspeakable))
    sayable = {name: ref for name, ref in chosen.items() if name not in unspeakable}
    kept = {name: ref for name, ref in sayable.items() if _leaves(source, parts, name, ref, known)}
    _write_head(parts, source, head, known)
    _write_tags(parts, source, kept)
    _write_settings(parts, source, kept)
    _write_operation(parts, source, operation, known)
    _write_stash(parts, source, everything, known)
    _write_switches(parts, source)
    _write_index(parts, source, head)
    told = {"complete": source.publish == "all", "left_out": parts.left_out}
    told["refs"] = {name: ref.oid for name, ref in kept.items()}
    parts.write("refs.json", layout.dump(told))


def _unspeakable(source: Source, chosen: Mapping[str, Ref]) -> frozenset[str]:
    """Refs that have a secret in their name, or a tag's message with one."""
    tags = {name: ref.oid for name, ref in chosen.items() if ref.kind == "tag"}
    told = zip(tags, lookup.contents(source.user.repository, tags.values()), strict=True)
    bad = {name for name, content in told if content and source.redacted(content) != content}
    return frozenset(bad.union(name for name in chosen if not source.may_say(name)))


def _leaves(source: Source, parts: Parts, name: str, ref: Ref, known: Collection[str]) -> bool:
    if source.may_leave(ref.oid, known):
        return True
    parts.left_out.append(name)
    return False


def _chosen(
    everything: Mapping[str, Ref], head: Head, operation: Mapping[str, bytes], source: Source
) -> dict[str, Ref]:
    """The refs that go in; symbolic ones are the clone's own affair."""
    real = {name: ref for name, ref in everything.items() if not ref.target}
    inner = ("refs/bisect/", "refs/rewritten/")
    chosen = {name: ref for name, ref in real.items() if name.startswith(inner) and ref.kind == "commit"}
    heads = {name: ref for name, ref in real.items() if name.startswith("refs/heads/")}
    remotes = {name: ref for name, ref in real.items() if name.startswith("refs/remotes/")}
    if source.publish != "all":
        known = {ref.oid for name, ref in remotes.items() if name.startswith(ORIGIN)}
        ours = _branches_at_work(head, operation)
        heads = {name: ref for name, ref in heads.items() if name in ours or ref.oid in known}
        followed = {ref.upstream for ref in heads.values()}
        remotes = {name: ref for name, ref in remotes.items() if name in followed}
    return {**chosen, **heads, **remotes, **_local_tags(real, head, source)}


def _branches_at_work(head: Head, operation: Mapping[str, bytes]) -> set[str]:
    """HEAD's branch, and those that a rebase or a bisection goes back to."""
    names = {head.ref or ""}
    for name in ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"):
        told = operation.get(name, b"").decode("utf-8", "surrogateescape").strip()
        names |= {told, f"refs/heads/{told}"}
    return names


def _local_tags(real: Mapping[str, Ref], head: Head, source: Source) -> dict[str, Ref]:
    """Tags that the remote is not known to have; without all branches only those that HEAD reaches."""
    tags = {
        name: ref
        for name, ref in real.items()
        if name.startswith("refs/tags/") and source.known_tags.get(name) != ref.oid
    }
    tags = {name: ref for name, ref in tags.items() if ref.kind in ("commit", "tag")}
    if source.publish == "all" or not tags:
        return tags
    if head.commit is None:
        return {}
    merged = source.user.repository.text(
        "for-each-ref", "--format=%(refname)", f"--merged={head.commit}", "refs/tags/"
    )
    return {name: tags[name] for name in merged.splitlines() if name in tags}


def _write_head(parts: Parts, source: Source, head: Head, known: Collection[str]) -> None:
    ref = head.ref
    if ref is not None and not source.may_say(ref):
        ref = None if head.commit else UNNAMED
    told = f"ref: {ref}" if ref else head.commit
    parts.write("HEAD", f"{told}\n".encode("utf-8", "surrogateescape"))
    if head.commit is None:
        return
    if source.may_leave(head.commit, known):
        parts.tips[head.commit] = None
    elif head.ref is None:
        parts.left_out.append("HEAD")


def _write_tags(parts: Parts, source: Source, kept: Mapping[str, Ref]) -> None:
    tags = [ref.oid for ref in kept.values() if ref.kind == "tag"]
    for oid, content in zip(tags, lookup.contents(source.user.repository, tags), strict=True):
        parts.write(f"tags/{oid}", content or b"")
    peeled = [f"{ref.oid}^{{commit}}" if ref.kind == "tag" else ref.oid for ref in kept.values()]
    found = lookup.kinds_and_sizes(source.user.repository, peeled)
    parts.tips.update((known[0], None) for known in found if known and known[1] == "commit")


def _write_settings(parts: Parts, source: Source, kept: Mapping[str, Ref]) -> None:
    found = configuration.matching(source.user.repository, SETTINGS)
    chosen = {}
    for key, values in found.items():
        branch = layout.branch_of(key)
        wanted = key in layout.SPARSE_KEYS or (branch and f"refs/heads/{branch[0]}" in kept)
        if wanted and all(
            layout.is_allowed_setting(key, value) and source.may_say(value) for value in values
        ):
            chosen[key] = values
    parts.write("config.json", layout.dump(chosen))


def _write_operation(
    parts: Parts, source: Source, operation: Mapping[str, bytes], known: Collection[str]
) -> None:
    steps = operation.get("sequencer/todo", b"")
    short = operations.abbreviations(steps)
    full = lookup.kinds_and_sizes(source.user.repository, short)
    names = {abbreviation: found[0] for abbreviation, found in zip(short, full, strict=True) if found}
    for name, content in operation.items():
        written = operations.expanded(content, names) if name == "sequencer/todo" else content
        parts.write(f"operation/{name}", source.redacted(written))
    asked = [*operations.named_objects(operation), *names.values()]
    for found_object in lookup.kinds_and_sizes(source.user.repository, asked):
        if found_object is not None:
            _keep_object(parts, source, *found_object[:2], known)


def _keep_object(parts: Parts, source: Source, oid: str, kind: str, known: Collection[str]) -> None:
    if not source.may_leave(oid, known):
        parts.left_out.append(oid)
    elif kind == "commit":
        parts.tips[oid] = None
    elif kind == "tree":
        parts.files[f"trees/{oid}"] = (TREE_MODE, oid)


def _write_stash(parts: Parts, source: Source, everything: Mapping[str, Ref], known: Collection[str]) -> None:
    if "refs/stash" not in everything:
        return
    entries = refs.reflog(source.user.repository, "refs/stash")
    kept = [entry for entry in entries if source.may_leave(entry.oid, known)]
    parts.left_out += [f"stash@{{{n}}}" for n, entry in enumerate(entries) if entry not in kept]
    parts.tips.update((entry.oid, None) for entry in kept)
    if kept:
        parts.write("stash.json", layout.dump([_said(source, entry) for entry in kept]))


def _said(source: Source, entry: Logged) -> dict[str, Any]:
    return {**asdict(entry), "message": source.redact(entry.message)}


def _write_switches(parts: Parts, source: Source) -> None:
    entries = refs.switches(source.user.repository, _SWITCHES)
    if entries:
        parts.write("switches.json", layout.dump([_said(source, entry) for entry in entries]))


def _write_index(parts: Parts, source: Source, head: Head) -> None:
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
    parts.left_out += sorted(barred)
    parts.files["index/entries"] = (TREE_MODE, staging.write_tree(private))
    for stage in (1, 2, 3):
        chosen = {
            e.path: (e.mode, e.oid.hex()) for e in unmerged if e.stage == stage and e.path not in barred
        }
        if chosen:
            parts.files[f"index/stage{stage}"] = (TREE_MODE, parts.batch.tree(chosen))
    _write_flags(parts, index)
    _write_submodules(parts, source.user, index)


def _versions_of_head(source: Source, head: Head, paths: Collection[str]) -> list[tuple[str, int, str, int]]:
    if head.commit is None or not paths:
        return []
    found = lookup.tree_files(source.into, head.commit, *sorted(paths))
    return [(path, mode, oid, 0) for path, (mode, _, oid, _) in found.items() if oid not in source.without]


def _write_flags(parts: Parts, index: staging.Index) -> None:
    flags = Flags(
        {entry.path: entry.mode for entry in index.entries if entry.intent_to_add},
        tuple(entry.path for entry in index.entries if entry.skip_worktree),
        tuple(entry.path for entry in index.entries if entry.assume_unchanged),
    )
    if flags != Flags():
        parts.write("index/flags.json", layout.dump(flags.to_json()))


def _write_submodules(parts: Parts, user: UserRepository, index: staging.Index) -> None:
    found = {}
    for entry in (entry for entry in index.entries if entry.mode == staging.GITLINK):
        inside = user.work_tree / entry.path / ".git"
        if inside.exists():
            head = git.Repository(inside, user.work_tree / entry.path).run(
                "rev-parse", "--verify", "HEAD^{commit}", accept=(0, 128)
            )
            if head.code == 0:
                found[entry.path] = head.stdout.decode().strip()
    if found:
        parts.write("submodules.json", layout.dump(found))
