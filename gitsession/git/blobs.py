"""Blobs in bulk: how large they are, and their contents as one stream for another process to read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from gitsession import run
from gitsession.git.command import Repository


def sizes(repository: Repository, oids: Sequence[str]) -> dict[str, int]:
    """The size in bytes of each object that is there; absent ones are left out, never fetched."""
    return _measured(repository, oids, "objectsize")


def stored_sizes(repository: Repository, oids: Sequence[str]) -> dict[str, int]:
    """The bytes that each object takes compressed, as it travels where no delta helps."""
    return _measured(repository, oids, "objectsize:disk")


def _measured(repository: Repository, oids: Sequence[str], what: str) -> dict[str, int]:
    if not oids:
        return {}
    lines = repository.output(
        "cat-file",
        f"--batch-check=%(objectname) %({what})",
        "--buffer",
        stdin="".join(f"{oid}\n" for oid in oids).encode(),
    ).decode("utf-8", "replace")
    answers = (line.split(" ") for line in lines.splitlines())
    return {oid: int(size) for oid, size in answers if size.isdigit()}


def stream(repository: Repository) -> run.Process:
    """A process that answers `ask`: a line `<type> <size> <oid> <path as JSON>`, the content, a newline.

    What is not there is answered by `<oid> missing`. Its standard output can be handed to another process.
    """
    return repository.converse("cat-file", "--batch=%(objecttype) %(objectsize) %(objectname) %(rest)")


def ask(blobs: Iterable[tuple[str, str]]) -> bytes:
    """The question for `stream`: object ids, each with the path that comes back with its answer."""
    return "".join(f"{oid} {json.dumps(path)}\n" for oid, path in blobs).encode("ascii")
