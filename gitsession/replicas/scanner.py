"""Runs the guard's process over blobs: git writes their contents straight into it, we read its answers."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import select
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gitsession import run
from gitsession.git import Repository, blobs
from gitsession.replicas.scan import Seen

Item = tuple[str, str]
Answer = tuple[Item, "tuple[Seen, ...] | None"]

BATCH_BYTES = 32_768  # questions stay under the 64 KiB of a pipe, so that asking never waits for an answer
FAILURES_A_CALL = 3
PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Scanner:
    """Starts a process per batch of blobs, and a new one where a blob ended it.

    Args:
        module: The module that answers, as `python -m` takes it.
        seconds: How long one blob may take.
        seconds_a_megabyte: What a blob's size adds to that.
        path: Folders from which the module may be imported, before this package's own.
    """

    module: str = "gitsession.replicas.scan"
    seconds: float = 10.0
    seconds_a_megabyte: float = 1.0
    path: tuple[Path, ...] = ()

    def scan(self, repository: Repository, items: Sequence[tuple[str, str, int]]) -> Iterator[Answer]:
        """Read each `(oid, path, size)`; the answer is None for a blob that ended its reader or its time.

        After three such blobs the others are answered None without a try: the machine itself has a problem.
        """
        failures = 0
        waiting = list(items)
        while waiting and failures < FAILURES_A_CALL:
            batch = _first_batch(waiting)
            answers = self._ask(repository, batch)
            yield from zip([item[:2] for item in batch], answers, strict=False)
            waiting = waiting[len(answers) :]
            if len(answers) < len(batch):
                failures += 1
                yield waiting.pop(0)[:2], None
        yield from ((item[:2], None) for item in waiting)

    def _ask(
        self, repository: Repository, batch: Sequence[tuple[str, str, int]]
    ) -> list[tuple[Seen, ...] | None]:
        """The answers of one process, in order; fewer than asked when it ended early."""
        with _conversation(repository, self.module, (*self.path, PACKAGE)) as (git, reader):
            with contextlib.suppress(BrokenPipeError), _pipe(git.stdin) as questions:
                questions.write(blobs.ask(item[:2] for item in batch))
            answers = _Lines(_pipe(reader.stdout).fileno())
            limits = (self.seconds + self.seconds_a_megabyte * size / 1e6 for _, _, size in batch)
            lines = (answers.next(limit) for limit in limits)
            return [_parse(line) for line in itertools.takewhile(lambda line: line is not None, lines)]


class _Lines:
    """Lines from a pipe, each waited for no longer than a limit."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._buffer = b""

    def next(self, seconds: float) -> bytes | None:
        """The next line; None when it does not come in time, or when the pipe ends."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._fd], [], [], left)[0]:
                return None
            more = os.read(self._fd, 65536)
            if not more:
                return None
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


@contextlib.contextmanager
def _conversation(
    repository: Repository, module: str, path: Sequence[Path]
) -> Iterator[tuple[run.Process, run.Process]]:
    """Git and the reader, the one's output being the other's input; both are ended afterwards."""
    with contextlib.ExitStack() as stack:
        git = blobs.stream(repository)
        stack.callback(_end, git)
        with _pipe(git.stdout) as contents:
            reader = run.start(
                [sys.executable, "-m", module],
                env=run.clean_environment({"PYTHONPATH": os.pathsep.join(map(str, path))}),
                cwd=Path("/"),
                stdin=contents,
                stdout=run.PIPE,
            )
        stack.callback(_end, reader)
        yield git, reader


def _end(process: run.Process) -> None:
    run.end_group(process, grace=0.1)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _parse(line: bytes | None) -> tuple[Seen, ...] | None:
    found = json.loads(line or b"{}").get("found")
    return None if found is None else tuple(Seen(**secret) for secret in found)


def _first_batch(items: Sequence[tuple[str, str, int]]) -> Sequence[tuple[str, str, int]]:
    """As many of the first items as may be asked about at once, at least one."""
    total = 0
    for count, item in enumerate(items):
        total += len(blobs.ask([item[:2]]))
        if count and total > BATCH_BYTES:
            return items[:count]
    return items
