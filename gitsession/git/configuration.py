"""A repository's configuration as lists of values, read by pattern and changed key by key."""

from __future__ import annotations

from collections.abc import Sequence

from gitsession.git.command import Repository

Settings = dict[str, tuple[str, ...]]


def matching(repository: Repository, pattern: str) -> Settings:
    """All settings whose key matches an extended regular expression, each with all its values."""
    done = repository.run("config", "-z", "--get-regexp", pattern, accept=(0, 1))
    found: dict[str, list[str]] = {}
    for item in done.stdout.decode("utf-8", "surrogateescape").split("\0"):
        key, separator, value = item.partition("\n")
        if key:
            found.setdefault(key, []).append(value if separator else "true")
    return {key: tuple(values) for key, values in found.items()}


def put(repository: Repository, key: str, values: Sequence[str]) -> None:
    """Give a key exactly these values in the repository's configuration; none takes the key away."""
    repository.run("config", "--local", "--unset-all", key, accept=(0, 5))
    for value in values:
        repository.output("config", "--local", "--add", key, value)
