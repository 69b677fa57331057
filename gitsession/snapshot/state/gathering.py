"""Reading what of the user's git no snapshot can hold, and choosing what of it may go into a state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from gitsession.git import configuration, lookup, refs
from gitsession.git.refs import ORIGIN, Logged, Ref
from gitsession.snapshot.state import layout, operations
from gitsession.snapshot.state.index import write_index
from gitsession.snapshot.state.objects import TREE_MODE
from gitsession.snapshot.state.parts import Parts, Source
from gitsession.snapshot.values import Head

SETTINGS = r"^(branch\..*|core\.sparsecheckout(cone)?|index\.sparse)$"
_SWITCHES = 10
UNNAMED = "refs/heads/unnamed"  # stands for an unborn branch whose name may not be told


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
    write_index(parts, source, head)
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
