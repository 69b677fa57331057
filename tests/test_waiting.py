from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gitsession import waiting
from gitsession.errors import SessionError, UsageError


def line() -> str:
    return "all safe"


@pytest.mark.parametrize("command", ["sh -c 'exit 3'", ("sh", "-c", "exit 3")])
def test_a_command_is_waited_for_and_gives_its_exit_code(
    tmp_path: Path, command: str | tuple[str, ...]
) -> None:
    assert waiting.until_ended(line, pid=None, command=command, cwd=tmp_path) == 3


def test_a_command_that_a_signal_ended_says_which(tmp_path: Path) -> None:
    assert waiting.until_ended(line, pid=None, command="sh -c 'kill -9 $$'", cwd=tmp_path) == 137


def test_a_process_of_somebody_elses_is_waited_for(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.close()
    assert waiting.until_ended(line, pid=process.pid, command=None, cwd=tmp_path) == 0
    assert process.wait() != 0


def test_what_cannot_be_waited_for_is_said(tmp_path: Path) -> None:
    for pid, command in ((None, None), (os.getpid(), "true"), (None, "no-such-program")):
        with pytest.raises(UsageError):
            waiting.until_ended(line, pid=pid, command=command, cwd=tmp_path)
    with pytest.raises(SessionError):
        waiting.until_ended(line, pid=2**22 + 1, command=None, cwd=tmp_path)
