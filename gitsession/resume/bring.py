"""Putting a repository on this machine: aside first, then under its name in one rename."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from gitsession import files
from gitsession.address import Address
from gitsession.errors import AuthorisationError, GitError, GitsessionError, RepositoryError, WorkTreeError
from gitsession.git import Repository, lfs, lookup, partial, plain, refs, transfer
from gitsession.git.checkout import SIDE_BY_SIDE
from gitsession.git.progress import Listen
from gitsession.replicas.refusal import AUTHORISATION, parse_refusal
from gitsession.resume.ground import check_path
from gitsession.resume.unseen import not_found
from gitsession.snapshot.user import UserRepository, not_ours

CLONED = "refs/gitsession-fetched/clone"
MOST_BRANCHES = 100  # whatever else a session builds on is behind one of these, or comes once more


@contextmanager
def in_one_step(worktree: Path) -> Iterator[Path]:
    """A directory beside the work tree's, which becomes it when the block ends well and vanishes when not.

    Raises:
        WorkTreeError: Nothing can be made there, or something came to stand there meanwhile.
    """
    with ExitStack() as stack:
        with _making(worktree):
            worktree.parent.mkdir(parents=True, exist_ok=True)
            aside = stack.enter_context(files.folder_in_use(worktree.parent, mode=0o777))
        yield aside
        with _making(worktree):
            aside.rename(worktree)


@contextmanager
def _making(worktree: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WorkTreeError(
            f"{worktree} cannot be made: {error.strerror}.",
            safe="Nothing that stands there was touched.",
            hint="Name another directory with --workdir.",
        ) from None


def clone(
    address: Address,
    directory: Path,
    variables: Mapping[str, str],
    listen: Listen | None,
    *,
    contents: bool = True,
) -> None:
    """Clone a repository without checking it out: a session, or `check_out`, fills the work tree.

    Args:
        address: What to clone.
        directory: The work tree to make.
        variables: Those by which git reaches the remote.
        listen: Told of git's progress.
        contents: False leaves all contents of files at the remote; `have` brings those that are needed.

    Raises:
        GitError: It cannot be reached, or refuses to be read.
    """
    made = transfer.clone(
        address.url, directory, checkout=False, blobs=contents, variables=variables, listen=listen
    )
    if not contents:
        partial.keep_no_filter(made)


def have(
    user: UserRepository,
    roots: Sequence[str],
    variables: Mapping[str, str],
    listen: Listen | None,
    *,
    seen_from: Repository | None = None,
) -> None:
    """Fetch the contents of these commits and trees, where the clone left them at the remote.

    Args:
        user: The clone.
        roots: Commits or trees, none of whose history is asked for.
        variables: Those by which git reaches the remote.
        listen: Told of git's progress.
        seen_from: The repository that has the roots; the clone by default.

    Raises:
        GitError: The remote does not answer.
    """
    if partial.is_partial(user.repository):
        place = seen_from or user.repository
        found = lookup.kinds_and_sizes(place, [f"{root}^{{tree}}" for root in roots])
        trees = [one[0] for one in found if one is not None]
        wanted = list(partial.missing(place, *trees)) if trees else []
        partial.bring(user.repository, wanted, variables, listen)


def have_all(user: UserRepository, variables: Mapping[str, str], listen: Listen | None) -> None:
    """Fetch everything that the clone left at the remote.

    Raises:
        GitError: The remote does not answer.
    """
    partial.bring(user.repository, list(partial.missing(user.repository, "--all")), variables, listen)
    partial.be_whole(user.repository)


def make_known(user: UserRepository, shadow: Repository) -> None:
    """Let what is fetched into the shadow repository build on the clone: git tells by refs what it has."""
    newest = ("--sort=-committerdate", f"--count={MOST_BRANCHES}", "--format=%(objectname)")
    branches = user.repository.text("for-each-ref", *newest, refs.ORIGIN).split()
    head = [user.repository.text("rev-parse", "HEAD")] if _has_head(user.repository) else []
    refs.update(shadow, {f"{CLONED}/{oid}": oid for oid in (*head, *branches)})


def explained(error: GitError, address: Address, network_hint: str) -> GitsessionError:
    """What a clone's failure means to the person, with what to do where no network is to be had."""
    if address.is_path:
        check_path(Path(address.url))
        if theirs := not_ours(Path(address.url), error):
            return theirs
        return GitError(
            f"{address} cannot be cloned: {error.what}",
            stderr=error.stderr,
            safe="Nothing was made or changed.",
            hint="Run `git fsck` in it, and see that it may be read and that this disk has room.",
        )
    refusal = parse_refusal(error.stderr)
    if refusal is not None and refusal.kind == "not-found":
        return not_found(address)
    if refusal is not None and refusal.kind in AUTHORISATION:
        return AuthorisationError(
            f"{address} cannot be read: {refusal.detail}",
            safe="Nothing was made or changed.",
            hint="Check the name; for a private repository give a token that may read it.",
        )
    return GitError(
        f"{address} cannot be reached: {error.what}",
        stderr=error.stderr,
        safe="Nothing was made or changed.",
        hint=f"{network_hint} Then try again; with a vault, a session in it opens without the remote.",
    )


def begin(address: Address, directory: Path) -> None:
    """An empty repository whose `origin` is the remote, for when only the vault can be reached."""
    plain("init", "--quiet", "--", str(directory), cwd=directory.parent)
    repository = Repository(directory / ".git", directory)
    repository.run("remote", "add", "--", "origin", address.url)


def check_out(
    user: UserRepository,
    base: str | None,
    *,
    pull: int | None = None,
    variables: Mapping[str, str] | None = None,
    listen: Listen | None = None,
) -> None:
    """Fill the work tree of a fresh clone: with `base`, a pull request's head, or the default branch.

    Args:
        user: The clone.
        base: A branch, tag or commit; it goes before `pull`.
        pull: The number of a pull request; its head is checked out as the branch `pull/<number>`.
        variables: Those by which git reaches the remote.
        listen: Told of git's progress.

    Raises:
        RepositoryError: The remote has no such branch, tag, commit or pull request.
    """
    config = {**user.repository.config, **SIDE_BY_SIDE, **lfs.as_it_is()}
    repository = replace(user.repository, config=config)
    if base is None and pull is not None:
        base = _fetch_pull(repository, pull, variables or {})
    have(user, [base or "HEAD"], variables or {}, listen)
    if base is None:
        if _has_head(repository):
            repository.run("reset", "--quiet", "--hard", timeout=transfer.CLONE_TIMEOUT)
        return
    try:
        repository.run("checkout", "--quiet", base, "--", timeout=transfer.CLONE_TIMEOUT)
    except GitError as error:
        raise RepositoryError(
            f"There is no branch, tag or commit {base!r} to start from.",
            safe="Nothing was made.",
            hint=f"Write it as GitHub does, or leave it out for the default branch. {error.what}",
        ) from None


def _fetch_pull(repository: Repository, pull: int, variables: Mapping[str, str]) -> str:
    """Make the branch of a pull request; answers with its name."""
    branch = f"pull/{pull}"
    try:
        refspec = f"+refs/pull/{pull}/head:refs/heads/{branch}"
        transfer.fetch(repository, "origin", [refspec], variables=variables, timeout=transfer.CLONE_TIMEOUT)
    except GitError as error:
        raise RepositoryError(
            f"The pull request {pull} cannot be had.",
            safe="Nothing was made.",
            hint=f"Check its number, and that it was opened in this repository. {error.what}",
        ) from None
    return branch


def index_of_head(user: UserRepository) -> None:
    """Give a fresh clone the index of what its HEAD names, and leave the work tree empty."""
    if _has_head(user.repository):
        user.repository.run("reset", "--quiet", timeout=transfer.CLONE_TIMEOUT)


def _has_head(repository: Repository) -> bool:
    return repository.run("rev-parse", "--quiet", "--verify", "HEAD", accept=(0, 1)).code == 0
