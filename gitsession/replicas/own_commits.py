"""Commits of the user's own on their way out: nobody rewrites them, so they pass whole or not at all."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from gitsession.errors import Refusal, RefusedError
from gitsession.git import history
from gitsession.git.command import Repository
from gitsession.replicas.guard import MESSAGE, Finding, Guard


def refuse(repository: Repository, guard: Guard, head: str, known: Collection[str]) -> None:
    """Let a commit and those behind it pass, or say which file in them may not leave.

    Args:
        repository: Where they are.
        guard: Who looks at them.
        head: The newest.
        known: Commits that the remote has.

    Raises:
        RefusedError: The guard found something in them.
    """
    findings = guard.check(history.new_blobs(repository, [head], known))
    findings += said(repository, guard, history.new_commits(repository, [head], known))
    if findings:
        raise _held(findings[0])


def said(repository: Repository, guard: Guard, commits: Collection[str]) -> tuple[Finding, ...]:
    """What may not leave of the commits' own words: their messages, and the names of the files they add.

    Each finding names its commit in place of a blob.
    """
    return (*guard.check((oid, MESSAGE) for oid in commits), *_named(repository, guard, commits))


def _named(repository: Repository, guard: Guard, commits: Collection[str]) -> Iterator[Finding]:
    for commit, paths in history.added(repository, commits).items():
        yield from (finding for path in paths for finding in guard.check_name(commit, path))


def _held(finding: Finding) -> RefusedError:
    allow = f"let it pass with `gitsession allow {finding.allow_id}`, or " if finding.allow_id else ""
    return RefusedError(
        f"A commit of yours holds {finding.path}, which may not leave: {finding.reason}.",
        refusal=Refusal(finding.kind, (finding.path,), finding.reason),
        safe="Nothing was pushed; your commits are as they were.",
        hint=f"If it is harmless, {allow}rewrite the commit without it.",
    )
