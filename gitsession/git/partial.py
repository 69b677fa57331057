"""Clones whose older contents stay at the remote at first: what is missing is asked for many at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gitsession.git import configuration
from gitsession.git.command import NETWORK_TIMEOUT, Repository, plain
from gitsession.git.progress import Listen, hear
from gitsession.git.transfer import CLONE_TIMEOUT

PORTION = 5_000  # contents a request: their names fit into a command line, and a cut costs little
_FILTER = r"^remote\.origin\.partialclonefilter$"
_URL = r"^remote\.origin\.url$"
_PROMISE = r"^remote\.origin\.promisor$"
_NO_NEGOTIATION = {"fetch.negotiationAlgorithm": "noop"}  # we know what we lack; git would list what we have


def is_partial(repository: Repository) -> bool:
    """Whether contents were ever left at a remote; asks no process."""
    return any((repository.git_dir / "objects" / "pack").glob("*.promisor"))


def keep_no_filter(repository: Repository) -> None:
    """Let later fetches of a partial clone bring contents too: only its first one was to be quick."""
    configuration.put(repository, "remote.origin.partialclonefilter", ())


def is_to_be_completed(repository: Repository) -> bool:
    """Whether it is one of ours that lacks contents; a partial clone that the user made keeps its filter."""
    if not is_partial(repository) or not configuration.matching(repository, _PROMISE):
        return False
    return not configuration.matching(repository, _FILTER)


def be_whole(repository: Repository) -> None:
    """Make an ordinary clone of one that lacks nothing any more."""
    configuration.put(repository, "remote.origin.promisor", ())


def missing(repository: Repository, *roots: str) -> Iterator[str]:
    """The contents that commits or trees reach and that are not here; `--all` stands for every ref."""
    with tempfile.TemporaryFile() as listed:
        listing = ("--objects", "--missing=print", "--no-object-names")
        repository.run("rev-list", *listing, *roots, "--", timeout=CLONE_TIMEOUT, stdout=listed)
        listed.seek(0)
        yield from (line[1:].decode().strip() for line in listed if line.startswith(b"?"))


def asking(folder: Path, url: str, objects: Path | None = None) -> Repository:
    """A repository of ours that asks a remote for single objects: a clone's settings have no say in it.

    Args:
        folder: An empty folder to make it in.
        url: The remote's, which it calls `origin`.
        objects: Where what comes is put, and what is there counts as had; its own store by default.
    """
    plain("init", "--quiet", "--bare", "--", str(folder), cwd=folder)
    variables = {} if objects is None else {"GIT_OBJECT_DIRECTORY": str(objects)}
    promised = {"remote.origin.url": url, "remote.origin.promisor": "true"}
    return Repository(folder, config=promised, variables=variables)


def bring(
    repository: Repository, oids: Sequence[str], variables: Mapping[str, str], listen: Listen | None = None
) -> None:
    """Fetch contents from where `origin` lies, a portion at a time; what a break leaves behind stays.

    Of the clone's settings only that URL counts: others may rewrite it, or name programs to reach it by.

    Args:
        repository: The user's clone.
        oids: What it lacks.
        variables: Those by which git reaches the remote.
        listen: Is told the progress.

    Raises:
        GitTimeout: The remote is silent.
        GitError: It does not answer, or has one of them no more.
    """
    if not oids:
        return
    with tempfile.TemporaryDirectory(prefix="gitsession-bring-") as folder:
        place = asking(Path(folder), _origin(repository), repository.git_dir / "objects")
        door = replace(place, config={**place.config, **_NO_NEGOTIATION})
        for first in range(0, len(oids), PORTION):
            door.run(
                *("fetch", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"),
                *("--no-auto-maintenance", *(["--progress"] if listen else [])),
                *("--", "origin", *oids[first : first + PORTION]),
                timeout=NETWORK_TIMEOUT,
                env=variables,
                listen=hear(listen),
            )


def _origin(repository: Repository) -> str:
    """The URL of `origin` as it is written, a path made absolute."""
    (*_, url) = configuration.matching(repository, _URL).get("remote.origin.url", ("origin",))
    base = repository.work_tree or repository.git_dir
    return str(base / url) if url.startswith(".") else url
