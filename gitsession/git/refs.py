"""Refs, HEAD and reflogs: read as values, written in one transaction."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitsession.git.command import Repository

REASON = "gitsession: resumed"
ORIGIN = "refs/remotes/origin/"
_UNSAFE_IN_NAME = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|[./]$|^[-./]")


@dataclass(frozen=True)
class Ref:
    """One ref as the repository has it.

    Args:
        name: In full, such as `refs/heads/main`.
        oid: The object it names; of a tag object, not of what that points at.
        kind: That object's type: `commit`, `tag`, `tree` or `blob`.
        target: The ref it stands for, of a symbolic one.
        upstream: The remote-tracking ref that a branch follows, in full, empty where it follows none.
    """

    name: str
    oid: str
    kind: str = "commit"
    target: str = ""
    upstream: str = ""


@dataclass(frozen=True)
class Logged:
    """One entry of a reflog: the new value, why, who (name and email), and when (`<seconds> <zone>`)."""

    oid: str
    message: str
    name: str
    email: str
    when: str


def is_good_name(name: str) -> bool:
    """Whether git takes this as a full ref name below `refs/`, by the rules of git-check-ref-format."""
    return name.startswith("refs/") and name.count("/") >= 2 and not _UNSAFE_IN_NAME.search(name)


def listed(repository: Repository, *prefixes: str) -> dict[str, Ref]:
    """All refs, or those below the prefixes, by full name; a work tree's own (bisect) are among them."""
    fields = "%(objectname)%00%(objecttype)%00%(symref)%00%(upstream)%00%(refname)"
    lines = repository.output("for-each-ref", f"--format={fields}", *prefixes)
    refs = {}
    for line in lines.decode("utf-8", "surrogateescape").splitlines():
        oid, kind, target, upstream, name = line.split("\0")
        refs[name] = Ref(name, oid, kind, target, upstream)
    return refs


def published(repository: Repository) -> list[str]:
    """The commits that `origin`, the remote of every session, is known to have; no other counts."""
    return [ref.oid for ref in listed(repository, ORIGIN).values()]


def head(repository: Repository, refs: Mapping[str, Ref]) -> tuple[str | None, str | None]:
    """What is checked out, given the refs: a branch's ref (None: detached) and a commit (None: unborn)."""
    symbolic = repository.run("symbolic-ref", "-q", "HEAD", accept=(0, 1))
    if symbolic.code:
        return None, repository.text("rev-parse", "--verify", "HEAD^{commit}")
    ref = symbolic.stdout.decode("utf-8", "surrogateescape").rstrip("\n")
    return ref, refs[ref].oid if ref in refs else None


def update(
    repository: Repository, values: Mapping[str, str], delete: Mapping[str, str] | None = None
) -> None:
    """Set refs to oids and delete others that still have the given value: all of it or nothing.

    Raises:
        GitError: A ref to delete has moved, or a new value is missing.
    """
    lines = [f"delete {name}\0{old}\0" for name, old in (delete or {}).items()]
    lines += [f"update {name}\0{oid}\0\0" for name, oid in values.items()]
    if lines:
        stdin = "".join(lines).encode("utf-8", "surrogateescape")
        repository.output("update-ref", "-m", REASON, "--no-deref", "--stdin", "-z", stdin=stdin)


def attach(repository: Repository, ref: str) -> None:
    """Let HEAD stand for a branch, which need not exist."""
    repository.output("symbolic-ref", "-m", REASON, "HEAD", ref)


def reflog(repository: Repository, ref: str, *options: str) -> tuple[Logged, ...]:
    """A ref's log, newest first; empty where it has none. Options choose among the entries as in git-log."""
    shape = "--format=%H%x00%gs%x00%gn%x00%ge%x00%gd"
    quiet = Repository(
        repository.git_dir, repository.work_tree, config={**repository.config, "log.showSignature": "false"}
    )
    log = quiet.run("log", "--walk-reflogs", "--date=raw", shape, *options, ref, "--", accept=(0, 128)).stdout
    return tuple(_logged(line) for line in log.decode("utf-8", "surrogateescape").splitlines())


def _logged(line: str) -> Logged:
    oid, message, name, email, selector = line.split("\0")
    return Logged(oid, message, name, email, selector.rpartition("@{")[2].rstrip("}"))


def switches(repository: Repository, count: int) -> tuple[Logged, ...]:
    """The newest entries of HEAD's log that say what was switched from and to, newest first.

    Git reads them for `HEAD detached from` and for `checkout -`.
    """
    return reflog(repository, "HEAD", f"--max-count={count}", "--grep-reflog=^checkout: moving from ")


def write_log(git_dir: Path, ref: str, entries: Sequence[Logged]) -> None:
    """Append entries, oldest first, to a log file; nothing happens where refs are not kept as files.

    Git's own commands log only what changes a ref, and a switch to another branch need not.
    """
    log = git_dir / "logs" / ref
    if not log.is_file() or not entries:
        return
    olds = ["0" * 40, *(entry.oid for entry in entries)]
    lines = [
        f"{old} {entry.oid} {entry.name} <{entry.email}> {entry.when}\t{entry.message}\n"
        for old, entry in zip(olds, entries, strict=False)
    ]
    with log.open("ab") as file:
        file.write("".join(lines).encode("utf-8", "surrogateescape"))


def append_to_log(repository: Repository, ref: str, entries: Sequence[Logged]) -> None:
    """Give a ref these values one after the other, oldest first, each logged as it was."""
    for entry in entries:
        date = entry.when if entry.when.startswith("@") else f"@{entry.when}"
        env = {
            "GIT_COMMITTER_NAME": entry.name or "unknown",
            "GIT_COMMITTER_EMAIL": entry.email,
            "GIT_COMMITTER_DATE": date,
        }
        repository.run("update-ref", "--create-reflog", "-m", entry.message, ref, entry.oid, env=env)
