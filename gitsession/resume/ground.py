"""What `open` knows before it touches anything: the repository, the person, and where the work tree goes."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gitsession.address import Address, github_server, parse_address
from gitsession.errors import RepositoryError, StorageError, WorkTreeError
from gitsession.git import Repository, plain
from gitsession.model import Identity
from gitsession.resume.options import Options
from gitsession.resume.running import storage_used
from gitsession.runtime import Runtime
from gitsession.snapshot.user import UserRepository, discover

STORAGE_VARIABLE = "GITSESSION_STORAGE"


@dataclass(frozen=True)
class Ground:
    """Where a session will stand.

    Args:
        address: The repository, which is also the remote.
        worktree: The directory that the person will edit.
        clone: The clone that stands there already, which is adopted as it is.
        storage: Where the vault lies; None for no vault.
        fork: The person's fork, where the session's refs live when the repository may not be pushed to.
    """

    address: Address
    worktree: Path
    clone: UserRepository | None
    storage: str | None
    fork: Address | None = None


def glance(options: Options, *, runtime: Runtime, environ: Mapping[str, str]) -> Ground:
    """What `survey` finds without asking git: the address as it was written, and no clone.

    Raises:
        AddressError: `repo` is malformed.
        StorageError: The storage is none that can be had here.
    """
    server = github_server(environ)
    address = parse_address(str(options.repo), server_url=server)
    adopted = _is_adopted(options, address)
    worktree = Path(address.url) if adopted else _worktree(options.workdir, address, runtime)
    storage = _storage(options.storage, address, worktree, runtime, environ)
    keep_apart(worktree, storage)
    return Ground(address, worktree, None, storage)


def survey(options: Options, *, runtime: Runtime, environ: Mapping[str, str]) -> Ground:
    """Read what the person wrote and look at what stands in the work directory.

    Raises:
        AddressError: `repo` is malformed.
        RepositoryError: A path that is no repository.
        WorkTreeError: Something else stands in the work directory.
        StorageError: The storage is none that can be had here.
    """
    server = github_server(environ)
    seen = glance(options, runtime=runtime, environ=environ)
    address, storage = seen.address, seen.storage
    if _is_adopted(options, address):
        clone = discover(seen.worktree)
        keep_apart(clone.work_tree, storage)
        return Ground(_remote_of(clone, address, server), clone.work_tree, clone, storage)
    if address.is_path and (storage is None or Path(address.url).exists()):
        check_path(Path(address.url))
    return replace(seen, clone=_standing(seen.worktree, address, server))


def survey_remote(
    repo: str, storage: str | Path | Literal[False] | None, *, runtime: Runtime, environ: Mapping[str, str]
) -> Ground:
    """What `survey` finds, for questions that need no work tree.

    Raises:
        AddressError: `repo` is malformed.
        RepositoryError: A path that is no repository.
        StorageError: The storage is none that can be had here.
    """
    server = github_server(environ)
    address = parse_address(repo, server_url=server)
    if address.is_path and is_clone(Path(address.url)):
        address = _remote_of(discover(Path(address.url)), address, server)
    elif address.is_path:
        check_path(Path(address.url))
    return Ground(address, Path.cwd(), None, _storage(storage, address, None, runtime, environ))


def keep_apart(worktree: Path, storage: str | None) -> None:
    """Refuse a storage folder in the work tree, which would save itself, and a work tree in the storage.

    Raises:
        StorageError: One lies in the other.
    """
    if storage is None:
        return
    tree, folder = worktree.resolve(), Path(storage).resolve()
    if folder.is_relative_to(tree):
        what = f"The storage {storage} lies inside the work tree {worktree}."
    elif tree.is_relative_to(folder):
        what = f"The work tree {worktree} lies inside the storage {storage}."
    else:
        return
    raise StorageError(
        what, safe="Nothing was written.", hint="Name another folder with --storage, or none: --storage none."
    )


def _is_adopted(options: Options, address: Address) -> bool:
    return address.is_path and options.workdir is None and is_clone(Path(address.url))


def _worktree(workdir: str | Path | None, address: Address, runtime: Runtime) -> Path:
    if workdir is not None:
        return Path(workdir).expanduser().absolute()
    return runtime.default_worktree(address.name)


def _remote_of(clone: UserRepository, address: Address, server: str) -> Address:
    origin = origin_of(clone)
    return parse_address(origin, server_url=server, base=clone.work_tree) if origin else address


def is_clone(path: Path) -> bool:
    """Whether a path is a clone with a work tree, or lies in one."""
    return any((parent / ".git").exists() for parent in (path, *path.parents)) and not _is_bare(path)


def _is_bare(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir()


def check_path(path: Path) -> None:
    """Refuse a path that is no repository.

    Raises:
        RepositoryError: It does not exist, or is none.
    """
    if not path.exists():
        raise RepositoryError(
            f"{path} does not exist.", hint="Check the path, or write user/repo for GitHub."
        )
    if not (_is_bare(path) or is_clone(path)):
        raise RepositoryError(
            f"{path} is no git repository.",
            safe="Nothing was touched.",
            hint="Name a repository's folder, or run `git init` in yours first.",
        )


def _standing(worktree: Path, address: Address, server: str) -> UserRepository | None:
    """The clone of this repository that stands there; None where there is nothing yet."""
    if not worktree.exists() or (worktree.is_dir() and not any(worktree.iterdir())):
        return None
    if (worktree / ".git").exists():
        clone = discover(worktree)
        origin = origin_of(clone)
        if origin and parse_address(origin, server_url=server, base=worktree).key == address.key:
            return clone
    raise WorkTreeError(
        f"{worktree} holds something else.",
        safe="Nothing in it was touched.",
        hint="Name another directory with --workdir, or move that one away.",
    )


def origin_of(clone: UserRepository) -> str | None:
    """The URL of a clone's `origin`, None without one."""
    repository = Repository(clone.git_dir, clone.work_tree)
    done = repository.run("config", "--get", "remote.origin.url", accept=(0, 1))
    return done.stdout.decode("utf-8", "surrogateescape").strip() or None


def _storage(
    wanted: str | Path | Literal[False] | None,
    address: Address,
    worktree: Path | None,
    runtime: Runtime,
    environ: Mapping[str, str],
) -> str | None:
    """As `storage_of`, but who names none has the one of before, where nobody needs to be asked for it."""
    if wanted is None and not environ.get(STORAGE_VARIABLE) and not runtime.storage_reason:
        wanted = storage_used(address, worktree)
    return storage_of(wanted, runtime, environ)


def storage_of(
    wanted: str | Path | Literal[False] | None, runtime: Runtime, environ: Mapping[str, str]
) -> str | None:
    """The vault's folder: the argument, `GITSESSION_STORAGE`, or what suits the machine and asks nobody.

    Raises:
        StorageError: What was named cannot be had.
    """
    if wanted is None:
        wanted = environ.get(STORAGE_VARIABLE) or None
    if wanted is False or wanted == "none":
        return None
    if wanted is None:
        default = runtime.storage_at_hand()
        return None if default is None else str(default)
    if wanted == "drive":
        return str(runtime.mount())
    text = str(wanted)
    if "://" in text:
        raise StorageError(f"{text} is no folder.", hint="Give a folder, or --storage none.")
    return str(Path(text).expanduser().absolute())


def local_login() -> str:
    """The local user's name, made fit for a ref."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"user{os.getuid()}"
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "user"


def author(worktree: Path, login: str, account: Identity | None) -> Identity:
    """Whom snapshots name: what git is configured with there, else the GitHub account, else the login."""
    name, email = _setting(worktree, "user.name"), _setting(worktree, "user.email")
    if name and email:
        return Identity(name, email)
    return account or Identity(name or login, email or f"{login}@users.noreply.github.com")


def _setting(directory: Path, name: str) -> str:
    return (
        plain("config", "--get", name, cwd=directory, accept=(0, 1)).stdout.decode("utf-8", "replace").strip()
    )
