"""`git http-backend` as a CGI program, streamed in and out; see git-http-backend(1) and RFC 3875."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import BufferedReader
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO

from gitsession import run

CHUNK = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What the program answers; the body is read as it comes."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Iterator[bytes]


def environment(
    root: Path, home: Path, settings: Mapping[str, str], request: Mapping[str, str]
) -> dict[str, str]:
    """The program's whole environment: nothing of ours but the path, and git settings for this request."""
    numbered = list(enumerate(settings.items()))
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_CONFIG_COUNT": str(len(numbered)),
        **{f"GIT_CONFIG_KEY_{number}": name for number, (name, _) in numbered},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in numbered},
        **{name: value for name, value in request.items() if value},
    }


@cache
def program() -> Path:
    """The program itself: `git http-backend` would be its parent, and not pass a kill on."""
    done = run.run(["git", "--exec-path"], timeout=10, env={"PATH": os.environ["PATH"]})
    return Path(done.stdout.decode().strip()) / "git-http-backend"


@contextmanager
def serve(env: Mapping[str, str], body: Iterator[bytes]) -> Iterator[Answer]:
    """Run the program on a body that is fed while the answer is read."""
    with run.start([str(program())], env=env, stdin=PIPE, stdout=PIPE) as backend:
        given, output = _pipes(backend)
        feeder = threading.Thread(target=_feed, args=(backend, given, body))
        feeder.start()
        try:
            yield _answer(output)
        finally:
            feeder.join()


def _pipes(backend: Popen[bytes]) -> tuple[IO[bytes], BufferedReader]:
    if backend.stdin is None or not isinstance(backend.stdout, BufferedReader):
        raise TypeError("the backend was started with pipes")
    return backend.stdin, backend.stdout


def _feed(backend: Popen[bytes], given: IO[bytes], body: Iterator[bytes]) -> None:
    """Pass the body on. When the program stops reading, read on, so that the client hears its answer.

    A body that breaks off ends the program: git 2.39's turns in circles on an input shorter than promised.
    """
    try:
        for piece in body:
            with suppress(BrokenPipeError):
                given.write(piece)
                given.flush()
    except (OSError, ValueError):
        backend.kill()
    finally:
        with suppress(BrokenPipeError):
            given.close()


def _answer(output: BufferedReader) -> Answer:
    status, headers = 200, []
    while line := output.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(": ")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers.append((name, value))
    return Answer(status, tuple(headers), iter(lambda: output.read1(CHUNK), b""))
