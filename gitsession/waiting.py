"""Staying busy until work ends, with a line that says how it is saved; nothing here fakes activity."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from gitsession import run
from gitsession.errors import SessionError, UsageError
from gitsession.wording import inert

LOOK = 0.2  # seconds between two looks at the work
SHOW = 5.0  # seconds between two lines


def until_ended(
    line: Callable[[], str], *, pid: int | None, command: str | Sequence[str] | None, cwd: Path
) -> int:
    """Wait for a process, or run a command in `cwd` and wait for that; answers with its exit code.

    Args:
        line: What to show now.
        pid: A process of anybody's, whose exit code nobody tells us: 0.
        command: A command line, or its words.
        cwd: Where the command runs.

    Raises:
        UsageError: Both or neither are given, or there is no such program.
        SessionError: There is no such process.
    """
    if (pid is None) == (command is None):
        raise UsageError(
            "Give either a process to wait for or a command.",
            hint="Write session.wait(pid=1234) or session.wait('make').",
        )
    if pid is not None:
        if not run.is_alive(pid):
            raise SessionError(f"There is no process {pid}.", hint="It may have ended already.")
        _show_while(lambda: run.is_alive(pid), line)
        return 0
    argv = shlex.split(command) if isinstance(command, str) else list(command or ())
    try:
        process = run.start(argv, env=os.environ, cwd=cwd, stdout=None, stderr=None)
    except (FileNotFoundError, PermissionError) as error:
        raise UsageError(
            f"{argv[0]!r} cannot be run: {error.strerror}.", hint="Check its name and PATH."
        ) from None
    try:
        _show_while(lambda: process.poll() is None, line)
    except BaseException:
        run.end_group(process)
        raise
    code = int(process.wait())
    return 128 - code if code < 0 else code


def _show_while(works: Callable[[], bool], line: Callable[[], str]) -> None:
    shown = -SHOW
    while works():
        if time.monotonic() - shown >= SHOW:
            shown = time.monotonic()
            _show(line())
        time.sleep(LOOK)
    _show("", end="\n")


def _show(text: str, end: str = "") -> None:
    """One line on stderr that replaces the one before, where somebody looks."""
    if sys.stderr.isatty() or "ipykernel" in sys.modules:
        with suppress(OSError, ValueError):
            sys.stderr.write(f"\r\x1b[K{inert(text)}{end}")
            sys.stderr.flush()
