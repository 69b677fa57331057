"""Writing a state commit, which holds what no snapshot can; the user's repository is only read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from gitsession import files, git
from gitsession.errors import GitError
from gitsession.git import lookup
from gitsession.model import FORMAT_VERSION, Held
from gitsession.snapshot import encode, trailers
from gitsession.snapshot.state import kept, layout, modified, operations
from gitsession.snapshot.state.gathering import gather
from gitsession.snapshot.state.layout import Lease
from gitsession.snapshot.state.objects import Batch, TreeEntry, parse_tree
from gitsession.snapshot.state.parts import Parts, Source
from gitsession.snapshot.user import UserRepository

_OF_THE_MOMENT = ("version", "session.json", "lease.json", "held.json", kept.FILE, "mtimes")
_COMMITTER = f"{encode.COMMITTER.name} <{encode.COMMITTER.email}>"
_WATCHED = ("HEAD", "logs/HEAD", "index", "config.worktree", "info/sparse-checkout")
_WATCHED_IN_COMMON = ("config", "packed-refs", "logs/refs/stash", "reftable/tables.list")


@dataclass(frozen=True)
class Captured:
    """A state commit just written.

    Args:
        oid: The state commit; the same for the same state of the same snapshot.
        tips: Its further parents, which make reachable what the state names.
        left_out: Refs and paths that may not leave, and are not in it.
        fingerprint: What `fingerprint` answered when the repository was read.
    """

    oid: str
    tips: tuple[str, ...]
    left_out: tuple[str, ...]
    fingerprint: str


def fingerprint(user: UserRepository) -> str:
    """A short text that changes when anything changes that a state holds, besides files of the work tree.

    It only reads metadata of files: a changed text may still mean the same state.
    """
    digest = hashlib.sha256()
    for path in _watched(user):
        with suppress(OSError):
            seen = path.lstat()
            told = f"{path}\0{seen.st_mtime_ns} {seen.st_ctime_ns} {seen.st_size} {seen.st_ino}\0"
            digest.update(os.fsencode(told))
    return digest.hexdigest()


def _watched(user: UserRepository) -> Iterator[Path]:
    yield from (user.git_dir / name for name in _WATCHED)
    yield from (user.git_dir / name for name in operations.ALLOWED if "/" not in name)
    yield from (user.common_dir / name for name in _WATCHED_IN_COMMON)
    for name in operations.DIRECTORIES:
        yield from _below(user.git_dir / name)
    for directory in {user.git_dir / "refs", user.common_dir / "refs"}:
        yield from _below(directory)
    yield from _submodule_heads(user.common_dir / "modules")


def _below(directory: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(directory):
        folders.sort()
        yield from (Path(where, name) for name in sorted(names))


def _submodule_heads(modules: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(modules):
        folders.sort()
        if "HEAD" in names:
            yield from (Path(where, "HEAD"), Path(where, "logs", "HEAD"))
            folders[:] = [name for name in folders if name == "modules"]


def capture(
    user: UserRepository,
    into: git.Repository,
    *,
    snapshot: str,
    previous: str | None,
    lease: Lease,
    held: Sequence[Held] = (),
    publish_branches: str = "head",
    mtimes: Mapping[str, int] | None = None,
    known_tags: Mapping[str, str] | None = None,
    without: Collection[str] = (),
    redact: Callable[[str], str] | None = None,
    keeping: kept.Keeping | None = None,
) -> Captured:
    """Write the state commit of the user's repository; the same state and snapshot give the same oid.

    Args:
        user: The user's repository. Not a byte of it is changed.
        into: The bare repository that gets the commit; it must hold the user's objects already.
        snapshot: The snapshot that the state belongs to: its first parent.
        previous: The last state commit of the same `publish_branches`; makes an unchanged state cheap.
        lease: Who leads the session.
        held: Paths whose newest content is not in the snapshot.
        publish_branches: `"head"` for HEAD's branch and what the remote has anyway, `"all"` for all of them.
        mtimes: Modification times in nanoseconds of all paths known to have changed since the checkout, each
            relative to the work tree; None keeps those of `previous`.
        known_tags: Tags that the remote has, by full name with oids; those are not recorded.
        without: Ids of objects that may not leave. Refs whose unpublished history holds one are left out;
            a staged one gives way to the version of HEAD.
        redact: Takes the secrets out of a text that leaves. Refs whose names have one, and tags whose message
            has one, are left out; None lets every text pass.
        keeping: What the session keeps beside its snapshots; None goes on with that of `previous`.

    Raises:
        GitError: An object that the state names is not in `into` (yet): link the user's new ones, try again.
    """
    seen = fingerprint(user)
    key = _key(seen, publish_branches, known_tags, without, redacted=redact is not None)
    memory = into.git_dir / f"gitsession-state-{publish_branches}.json"
    before = _Before.read(into, snapshot, previous)
    parts = Parts(Batch())
    if not _recall(memory, key, previous, before, parts):
        source = Source(user, into, publish_branches, known_tags or {}, frozenset(without), redact or str)
        gather(parts, source)
    parts.tips.pop(snapshot, None)
    _of_the_moment(parts, before, lease, held, mtimes)
    _keep(parts, before, keeping)
    oid = parts.batch.commit(
        parts.batch.tree(parts.files), (snapshot, *parts.tips), f"{_COMMITTER} {before.date}", before.subject
    )
    parts.batch.write(into)
    _remember(memory, key, oid, parts)
    return Captured(oid, tuple(parts.tips), tuple(parts.left_out), seen)


@dataclass(frozen=True)
class _Before:
    """What is read of the snapshot and of the previous state: one process."""

    date: str
    session: trailers.SnapshotMessage
    files: Mapping[str, TreeEntry]

    @property
    def subject(self) -> str:
        return f"state: {self.session.session} #{self.session.number}"

    @classmethod
    def read(cls, into: git.Repository, snapshot: str, previous: str | None) -> _Before:
        asked = [snapshot, *([f"{previous}^{{tree}}"] if previous else [])]
        commit, *tree = lookup.contents(into, asked)
        if commit is None:
            raise GitError(
                "The snapshot of this state is missing.",
                hint="Save again: `gitsession flush`. If it stays, `git fsck` in your repository says why.",
            )
        head, _, message = commit.partition(b"\n\n")
        committer = next(line for line in head.split(b"\n") if line.startswith(b"committer "))
        date = b" ".join(committer.rsplit(b" ", 2)[1:]).decode()
        return cls(date, trailers.parse(message), parse_tree(tree[0]) if tree and tree[0] else {})


def _key(
    seen: str,
    branches: str,
    known_tags: Mapping[str, str] | None,
    without: Collection[str],
    *,
    redacted: bool,
) -> str:
    told = (seen, branches, sorted((known_tags or {}).items()), sorted(without), redacted)
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _recall(memory: Path, key: str, previous: str | None, before: _Before, parts: Parts) -> bool:
    """Take over the parts of the previous state, when it is known to be of the same git state."""
    try:
        told = json.loads(memory.read_bytes())
    except (OSError, ValueError):
        return False
    if previous is None or told.get("key") != key or told.get("state") != previous or not before.files:
        return False
    parts.files = {name: entry for name, entry in before.files.items() if name not in _OF_THE_MOMENT}
    parts.tips = dict.fromkeys(told["tips"])
    parts.left_out = told["left_out"]
    return True


def _remember(memory: Path, key: str, oid: str, parts: Parts) -> None:
    told = {"key": key, "state": oid, "tips": list(parts.tips), "left_out": parts.left_out}
    temporary = files.temporary_name(memory)
    temporary.write_text(json.dumps(told))
    temporary.replace(memory)


def _of_the_moment(
    parts: Parts, before: _Before, lease: Lease, held: Sequence[Held], mtimes: Mapping[str, int] | None
) -> None:
    session = before.session
    named = {"login": session.session.login, "name": session.session.name, "number": session.number}
    parts.write("version", f"{FORMAT_VERSION}\n".encode())
    parts.write("session.json", layout.dump(named))
    parts.write("lease.json", layout.dump(asdict(lease)))
    parts.write("held.json", layout.dump([asdict(item) for item in held]))
    if mtimes is None and "mtimes" in before.files:
        parts.files["mtimes"] = before.files["mtimes"]
    by_directory: dict[str, dict[str, int]] = {}
    for path, ns in (mtimes or {}).items():
        directory, _, name = path.rpartition("/")
        by_directory.setdefault(directory, {})[name] = ns
    for directory, times in by_directory.items():
        parts.write(f"mtimes/{modified.name_of(directory)}", modified.dump(times))


def _keep(parts: Parts, before: _Before, keeping: kept.Keeping | None) -> None:
    if keeping is None and kept.FILE in before.files:
        parts.files[kept.FILE] = before.files[kept.FILE]
    elif keeping is not None and (content := kept.dump(keeping)) is not None:
        parts.write(kept.FILE, content)
