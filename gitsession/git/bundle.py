"""Bundles: one file that carries objects, what they end at, and what must be there before.

The format is git's own version 2, see gitformat-bundle(5), so that `git bundle verify` and `git fetch` read
them. We write it ourselves, since `git bundle create` takes only refs and searches for prerequisites.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitsession.errors import FormatError
from gitsession.git.command import Repository
from gitsession.git.transfer import BOUNDED, CLONE_TIMEOUT, HARMLESS

SIGNATURES = {b"# v2 git bundle\n": 2, b"# v3 git bundle\n": 3}
HEADER_LIMIT = 1 << 20
_OID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True)
class Header:
    """What a bundle says of itself.

    Args:
        refs: What it ends at: name to object.
        prerequisites: The commits that must be there before.
        size: Bytes of the header; the pack follows.
    """

    refs: Mapping[str, str]
    prerequisites: tuple[str, ...]
    size: int


def header(refs: Mapping[str, str], prerequisites: Sequence[str]) -> bytes:
    """The bytes that stand before a bundle's pack."""
    lines = ["# v2 git bundle", *(f"-{oid} " for oid in prerequisites)]
    lines += [f"{oid} {ref}" for ref, oid in refs.items()]
    return "\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def parse_header(content: bytes) -> Header:
    """Read the beginning of a bundle.

    Raises:
        FormatError: It is no bundle, or damaged.
    """
    signature = next((mark for mark in SIGNATURES if content.startswith(mark)), None)
    end = content.find(b"\n\n", 0, HEADER_LIMIT)
    if signature is None or end < 0:
        raise FormatError(
            "This file is no git bundle, or its beginning is lost.",
            hint="Another copy is used if there is one; `gitsession doctor` looks at the storage.",
        )
    refs: dict[str, str] = {}
    prerequisites: list[str] = []
    for line in content[len(signature) : end].split(b"\n"):
        if line.startswith(b"@"):
            continue
        oid, _, name = line.removeprefix(b"-").partition(b" ")
        if not _OID.fullmatch(oid):
            raise FormatError(
                "The header of this git bundle is damaged.",
                hint="Another copy is used if there is one; `gitsession doctor` looks at the storage.",
            )
        if line.startswith(b"-"):
            prerequisites.append(oid.decode())
        else:
            refs[name.decode("utf-8", "surrogateescape")] = oid.decode()
    return Header(refs, tuple(prerequisites), end + 2)


def read_header(path: Path) -> Header:
    """Read the header of a bundle file.

    Raises:
        FormatError: It is no bundle, or damaged.
    """
    with path.open("rb") as file:
        return parse_header(file.read(HEADER_LIMIT))


def write(
    repository: Repository,
    target: Path,
    refs: Mapping[str, str],
    *,
    without: Sequence[str] = (),
    also: Sequence[str] = (),
    timeout: float = CLONE_TIMEOUT,
) -> None:
    """Write a bundle: all that `refs` reach and `without` does not.

    Args:
        repository: Where the objects are.
        target: The file to make; it is synced by the caller.
        refs: What it ends at: name to object.
        without: Commits that the reader has, with all they reach: the bundle's prerequisites. Contents may be
            written as deltas against theirs.
        also: Further objects that no ref reaches.
        timeout: Seconds.

    Raises:
        GitTimeout: It outlived `timeout`.
        GitError: An object is missing here, as in a partial clone.
    """
    wanted = [*dict.fromkeys(refs.values()), *also, *(f"^{oid}" for oid in without)]
    with target.open("xb") as file:
        file.write(header(refs, without))
        file.flush()
        repository.run(
            "pack-objects",
            "--revs",
            "--thin",
            "--stdout",
            "--delta-base-offset",
            "--quiet",
            stdin="".join(f"{line}\n" for line in wanted).encode(),
            stdout=file,
            timeout=timeout,
        )


def read(repository: Repository, source: Path, *, checked: bool, timeout: float = CLONE_TIMEOUT) -> Header:
    """Bring a bundle's objects into a repository, without moving any ref.

    Args:
        repository: Where to.
        source: The bundle file.
        checked: Refuse malformed objects too; what names objects that are neither here nor in it always is.
        timeout: Seconds.

    Raises:
        FormatError: It is no bundle, or damaged.
        GitError: Objects that it builds on are not here, or it holds malformed ones.
    """
    found = read_header(source)
    harmless = ",".join(f"{name}=ignore" for name in HARMLESS)
    links = f"--strict={harmless}" if checked else "--check-self-contained-and-connected"
    with source.open("rb") as file:
        file.seek(found.size)
        bounds = BOUNDED if checked else {}
        repository.run(
            *("index-pack", "--stdin", "--fix-thin", links),
            stdin=file,
            timeout=timeout,
            env=bounds,
            accept=(0, 1),  # 1: all is there, though not all of it in this file
        )
    return found
