"""What travels between repositories: clone, fetch, push, and what a remote's refs are.

Credentials come only as the `GIT_CONFIG_*` variables that the caller hands in; they name a helper and hold no
secret. Nothing here trusts a push's exit code: ask `ls_remote` afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gitsession.errors import GitError
from gitsession.git.command import NETWORK_TIMEOUT, Repository, plain, redact
from gitsession.git.progress import Listen, hear

CLONE_TIMEOUT = 3600.0
# Old histories hold these; they harm nobody, and refusing them would lose a session that is otherwise sound.
HARMLESS = (
    "zeroPaddedFilemode",
    "missingSpaceBeforeDate",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeEmail",
    "missingTaggerEntry",
)
# git never makes deltas of files over 512 MB (core.bigFileThreshold): one that unpacks to more is a bomb.
BOUNDED = {"GIT_ALLOC_LIMIT": "600m"}
CHECKED = {"fetch.fsckObjects": "true", **{f"fetch.fsck.{name}": "ignore" for name in HARMLESS}}


@dataclass(frozen=True)
class Update:
    """One ref of a push, with its lease.

    Args:
        ref: The remote's full ref.
        new: The object it shall name; None deletes it.
        old: The object it must name now for the push to pass; None when it must not exist.
    """

    ref: str
    new: str | None
    old: str | None


@dataclass(frozen=True)
class Outcome:
    """What the remote said of one ref: git's flag (`*`, ` `, `+`, `-`, `=`, `!`) and its words."""

    ref: str
    flag: str
    summary: str


@dataclass(frozen=True)
class Pushed:
    """How a push ended; what the remote holds now must still be read.

    Args:
        code: git's exit code.
        outcomes: What was said of each ref, none where the reply was lost.
        stderr: git's and the remote's words, without credentials.
    """

    code: int
    outcomes: tuple[Outcome, ...]
    stderr: str


def ls_remote(
    repository: Repository,
    url: str,
    *patterns: str,
    variables: Mapping[str, str] | None = None,
    timeout: float = NETWORK_TIMEOUT,
) -> dict[str, str]:
    """The remote's refs and what they name; `patterns` are full refs or globs, all refs without any.

    Raises:
        GitTimeout: It outlived `timeout` seconds.
        GitError: The remote cannot be reached, or refuses to be read.
    """
    done = repository.run("ls-remote", "--refs", "--", url, *patterns, timeout=timeout, env=variables)
    lines = (line.partition("\t") for line in done.stdout.decode("utf-8", "surrogateescape").splitlines())
    return {ref: oid for oid, _, ref in lines if ref}


def clone(
    source: str,
    target: Path,
    *,
    bare: bool = False,
    checkout: bool = True,
    blobs: bool = True,
    depth: int | None = None,
    branch: str | None = None,
    variables: Mapping[str, str] | None = None,
    listen: Listen | None = None,
    timeout: float = CLONE_TIMEOUT,
) -> Repository:
    """Clone a URL, a path or a bundle file.

    Args:
        source: What to clone.
        target: The directory to make: the work tree, or the repository itself when `bare`.
        bare: Without a work tree.
        checkout: Fill the work tree.
        blobs: False leaves file contents at the remote until they are needed (`--filter=blob:none`).
        depth: Only so many commits of history.
        branch: The branch to check out; the remote's HEAD by default.
        variables: Further environment variables, such as the credential helper's.
        listen: Is told the progress.
        timeout: Seconds.

    Raises:
        GitTimeout: It outlived `timeout`; git removed what it had made.
        GitError: git said no.
    """
    options = {
        "--bare": bare,
        "--no-checkout": not checkout,
        "--filter=blob:none": not blobs,
        f"--depth={depth}": depth is not None,
        f"--branch={branch}": branch is not None,
        "--progress": listen is not None,
    }
    wanted = [option for option, on in options.items() if on]
    plain(
        "clone",
        *wanted,
        "--",
        source,
        str(target),
        cwd=target.parent,
        timeout=timeout,
        variables=variables,
        listen=hear(listen),
    )
    return Repository(target) if bare else Repository(target / ".git", target)


def fetch(
    repository: Repository,
    source: str,
    refspecs: Sequence[str],
    *,
    checked: bool = False,
    depth: int | None = None,
    objects: str | None = None,
    haves: Collection[str] = (),
    variables: Mapping[str, str] | None = None,
    listen: Listen | None = None,
    timeout: float = NETWORK_TIMEOUT,
) -> None:
    """Fetch refs from a URL, a path or a bundle file.

    Args:
        repository: Where to.
        source: Where from.
        refspecs: What, such as `+refs/heads/main:refs/theirs/main`.
        checked: Refuse malformed objects: for everything that is not the user's own choice to clone.
        depth: Only so many commits of history.
        objects: A filter of git's, such as `tree:0`.
        haves: Commits that are here already, where no ref of the repository says so.
        variables: Further environment variables, such as the credential helper's.
        listen: Is told the progress.
        timeout: Seconds.

    Raises:
        GitTimeout: It outlived `timeout`.
        GitError: git said no, or the remote does not have it.
    """
    options = [
        *([f"--depth={depth}"] if depth is not None else []),
        *([f"--filter={objects}"] if objects is not None else []),
        *(f"--negotiation-tip={oid}" for oid in haves),
        *(["--progress"] if listen is not None else []),
    ]
    door = replace(repository, config={**repository.config, **CHECKED}) if checked else repository
    bounds = BOUNDED if checked else {}
    door.run(
        "fetch",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
        *options,
        "--",
        source,
        *refspecs,
        timeout=timeout,
        env={**bounds, **(variables or {})},
        listen=hear(listen),
    )


def push(
    repository: Repository,
    url: str,
    updates: Sequence[Update],
    *,
    variables: Mapping[str, str] | None = None,
    timeout: float = NETWORK_TIMEOUT,
    pretend: bool = False,
) -> Pushed:
    """Move the remote's refs all together or not at all, each only from where its lease says.

    A refusal is an answer, not an error. With `pretend` nothing is sent: only the door is tried.

    Raises:
        GitTimeout: It outlived `timeout` seconds; the refs may have been moved all the same.
    """
    leases = [f"--force-with-lease={update.ref}:{update.old or ''}" for update in updates]
    refspecs = [f"{update.new or ''}:{update.ref}" for update in updates]
    done = repository.run(
        "push",
        "--atomic",
        "--porcelain",
        "--no-verify",
        "--no-follow-tags",
        "--no-signed",
        "--recurse-submodules=no",
        *(["--dry-run"] if pretend else []),
        *leases,
        "--",
        url,
        *refspecs,
        timeout=timeout,
        env=variables,
        accept=range(256),
    )
    outcomes = parse_outcomes(done.stdout.decode("utf-8", "surrogateescape"))
    return Pushed(done.code, outcomes, redact(done.stderr.decode("utf-8", "replace")))


def parse_outcomes(stdout: str) -> tuple[Outcome, ...]:
    r"""Read `git push --porcelain`: lines `<flag>\t<from>:<to>\t<summary>` between `To …` and `Done`."""
    fields = (line.split("\t", 2) for line in stdout.splitlines())
    return tuple(
        Outcome(refs.partition(":")[2], flag, summary)
        for flag, refs, summary in (field for field in fields if len(field) == 3)
    )


def is_ancestor(repository: Repository, older: str, newer: str) -> bool:
    """Whether `older` is `newer` or among its ancestors; False where one of them is not here."""
    done = repository.run("merge-base", "--is-ancestor", older, newer, accept=range(256))
    return done.code == 0


def is_complete(
    repository: Repository, *oids: str, beyond_refs: bool = False, timeout: float = CLONE_TIMEOUT
) -> bool:
    """Whether everything that these commits reach is here; nothing is fetched to make it so.

    Args:
        repository: Where to look.
        oids: The commits.
        beyond_refs: Take what the repository's refs reach for complete, as git's own fetch does.
        timeout: Seconds.
    """
    known = ("--not", "--all") if beyond_refs else ()
    try:
        repository.run("rev-list", "--objects", "--quiet", *oids, *known, "--", timeout=timeout)
    except GitError:
        return False
    return True
