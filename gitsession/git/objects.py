"""Objects one by one: a long-lived reader, conversions as git makes them, and packing."""

from __future__ import annotations

import os
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO

from gitsession import run
from gitsession.errors import OBJECT_LOST, GitError
from gitsession.git.command import NETWORK_TIMEOUT, Repository

MAX_AHEAD = 64  # their names fit the smallest pipe, a page
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Change:
    """A path that differs between two trees; a mode of zeroes means that it is not there."""

    path: bytes
    old_mode: bytes
    new_mode: bytes
    old: str
    new: str


class Reader:
    """One `git cat-file --batch`, kept running; use it from one thread at a time.

    Args:
        repository: Where to read; with a work tree for `as_checked_out`.
        filtered: Only `as_checked_out` is asked.
    """

    def __init__(self, repository: Repository, *, filtered: bool = False) -> None:
        self._repository = repository
        self._options = ("--batch", "--filters") if filtered else ("--batch",)
        self._process: run.Process | None = None
        self._asked: deque[str] = deque()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process; the next question starts a new one."""
        if self._process is not None:
            run.end_group(self._process)
            _close_pipes(self._process)
            self._process = None
        self._asked.clear()

    def start(self) -> None:
        """Start the process before the first question, so that it is ready by then."""
        self._pipes()

    def ask_ahead(self, names: Sequence[str]) -> None:
        """Ask for objects that `copy` will read next, in this order, so that none is waited for singly.

        Args:
            names: At most `MAX_AHEAD`: more might fill the pipe while nobody reads the answers. Those that
                are passed over are read and thrown away.
        """
        self._ask(names)
        self._asked.extend(names)

    def read(self, name: str) -> bytes | None:
        """An object's content; None where it is missing."""
        parts: list[bytes] = []
        return b"".join(parts) if self.copy(name, parts.append) is not None else None

    def copy(self, name: str, write: Callable[[bytes], object]) -> int | None:
        """Hand an object's content to `write` in pieces; its size comes back, None where it is missing.

        Raises:
            GitError: The process ended, such as on a damaged object.
        """
        while self._asked:
            if self._asked.popleft() == name:
                return self._answer(name, write)
            self._answer(name, _ignore)
        self._ask((name,))
        return self._answer(name, write)

    def _answer(self, name: str, write: Callable[[bytes], object]) -> int | None:
        _, answered = self._pipes()
        answer = answered.readline()
        if answer.endswith((b" missing\n", b" ambiguous\n")):
            return None
        if not answer:
            self.close()
            raise GitError(f"git cat-file ended while reading {name}.", hint=OBJECT_LOST)
        size = left = int(answer.split()[2])
        while left:
            piece = answered.read(min(left, _CHUNK))
            left -= len(piece) or left
            write(piece)
        answered.read(1)
        return size

    def as_checked_out(self, oid: str, path: str) -> bytes | None:
        """A blob as a checkout would write it at a path without newlines; None where it is missing.

        Git tells the size before the conversion, so a second question marks where the answer ends.

        Raises:
            GitError: A filter failed.
        """
        mark = secrets.token_hex(16)
        given, answered = self._pipes()
        given.write(f"{oid} {path}\n{mark}\n".encode("utf-8", "surrogateescape"))
        given.flush()
        end, answer = f"\n{mark} missing\n".encode(), b""
        while not answer.endswith(end):
            line = answered.readline()
            if not line:
                self.close()
                raise GitError(f"git could not convert {path}.", hint="Check the filters in .gitattributes.")
            answer += line
        first, _, content = answer[: -len(end)].partition(b"\n")
        return None if first.endswith(b" missing") else content

    def _ask(self, names: Iterable[str]) -> None:
        given, _ = self._pipes()
        given.write("".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape"))
        given.flush()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = self._repository.converse("cat-file", *self._options)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout


def _ignore(_: bytes) -> None:
    """Throw away what nobody wants any more."""


def _close_pipes(process: run.Process) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def converted(repository: Repository, paths: Sequence[bytes], store: Path) -> list[str]:
    """Blob ids of files as git itself would add them: filters, line ends, ident and encodings applied.

    The blobs are written as loose objects to `store`, a directory of the caller's. `repository` names the
    work tree; paths are relative to it. Symlinks are followed, so the caller checks before and after.

    Raises:
        GitError: A file vanished, or a required filter failed.
    """
    apart = replace(repository, variables={**repository.variables, **_apart(repository, store)})
    listed = b"".join(_quoted(path) + b"\n" for path in paths)
    return apart.run("hash-object", "-w", "--stdin-paths", stdin=listed).stdout.decode().split()


def _apart(repository: Repository, store: Path) -> dict[str, str]:
    return {
        "GIT_OBJECT_DIRECTORY": str(store),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(repository.git_dir / "objects"),
    }


def _quoted(path: bytes) -> bytes:
    """A path as `--stdin-paths` reads it: C-quoted where it holds a newline or starts with a quote."""
    if b"\n" not in path and not path.startswith(b'"'):
        return path
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'


def tree_of(repository: Repository, commit: str) -> str | None:
    """The tree of a commit; None where the commit is missing."""
    done = repository.run("rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}", accept=(0, 1))
    return done.stdout.decode().strip() or None


def newest_published(repository: Repository, commit: str, remote: str) -> str | None:
    """The newest ancestor of a commit that a remote's tracking branches hold; None without any."""
    if not repository.output("for-each-ref", "--count=1", f"refs/remotes/{remote}/"):
        return None
    ahead = repository.text("rev-list", "--boundary", "--topo-order", commit, "--not", f"--remotes={remote}")
    if not ahead:
        return commit
    return next((line[1:] for line in ahead.splitlines() if line.startswith("-")), None)


def differences(repository: Repository, old: str, new: str, paths: Sequence[str] = ()) -> tuple[Change, ...]:
    """The paths that differ between two trees or commits, recursively; renames are not looked for."""
    chosen = ("--", *(f":(literal){path}" for path in paths)) if paths else ()
    listed = repository.output(
        "diff-tree", "-r", "-z", "--raw", "--no-renames", "--abbrev=40", old, new, *chosen
    )
    return tuple(parse_raw(listed))


def parse_raw(listed: bytes) -> Iterable[Change]:
    """Read the output of git's `--raw -z`: `:<mode> <mode> <oid> <oid> <status>`, then the path."""
    fields = iter(listed.split(b"\0"))
    for head in fields:
        if head.startswith(b":"):
            old_mode, new_mode, old, new, _ = head[1:].split(b" ")
            yield Change(next(fields), old_mode, new_mode, old.decode(), new.decode())


def pack(repository: Repository, lines: Iterable[str], prefix: Path) -> str:
    """Pack the named objects (`<oid> [<path>]`), deltified, as `prefix-<id>`; the id comes back."""
    listed = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    done = repository.run(
        "pack-objects",
        "--quiet",
        "--non-empty",
        "--delta-base-offset",
        "--threads=1",
        str(prefix),
        stdin=listed,
        timeout=NETWORK_TIMEOUT,
    )
    return done.stdout.decode().strip()


def named_objects(repository: Repository, tip: str, since: str | None) -> dict[str, str]:
    """The objects reachable from `tip` and not from `since`, each with a path that it was found at."""
    listed = repository.output("rev-list", "--objects", tip, *([f"^{since}"] if since else []))
    lines = (line.partition(b" ") for line in listed.splitlines())
    return {oid.decode(): path.decode("utf-8", "surrogateescape") for oid, _, path in lines}


def oids_of_files(repository: Repository, paths: Sequence[str]) -> list[str]:
    """The blob that each file of the work tree would be, as it is now and through its filters.

    Raises:
        GitError: One of them cannot be read.
    """
    if not paths:
        return []
    asked = b"".join(_quoted(os.fsencode(path)) + b"\n" for path in paths)
    return repository.output("hash-object", "--stdin-paths", stdin=asked).decode().split()
