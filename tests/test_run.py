"""Starting and ending processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gitsession import run


def test_runs_to_the_end() -> None:
    done = run.run(
        ["sh", "-c", "cat; echo err >&2; exit 3"], timeout=30, env=run.clean_environment(), stdin=b"in"
    )
    assert (done.code, done.stdout, done.stderr) == (3, b"in", b"err\n")


def test_a_process_that_outlives_its_time_is_ended_with_all_it_started(tmp_path: Path) -> None:
    script = f"(trap '' TERM; echo > {tmp_path}/deaf; sleep 300) & echo $! > {tmp_path}/pid; wait"
    with pytest.raises(run.TimedOut, match="did not end"):
        run.run(["sh", "-c", script], timeout=2.0, env=run.clean_environment())
    assert (tmp_path / "deaf").exists()
    child = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 10
    while run.is_alive(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not run.is_alive(child)


def test_no_secret_and_no_git_variable_reaches_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*run.SECRET_VARIABLES, "GIT_DIR", "GIT_CONFIG_COUNT", "GIT_SSL_CAINFO"):
        monkeypatch.setenv(name, "x")
    seen = run.clean_environment({"EXTRA": "1"})
    assert not seen.keys() & run.SECRET_VARIABLES
    assert {name for name in seen if name.startswith("GIT_")} == {"GIT_SSL_CAINFO"}
    assert seen["EXTRA"] == "1"


def test_the_users_own_command_keeps_its_exit_code() -> None:
    assert run.foreground(["sh", "-c", "exit 5"], env=run.clean_environment()) == 5
    assert run.foreground(["sh", "-c", "kill -TERM $$"], env=run.clean_environment()) == 128 + 15


def test_knows_who_lives() -> None:
    assert run.is_alive(os.getpid())
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
        assert not run.is_alive(child.pid)


def test_our_program_starts_in_a_hostile_directory(tmp_path: Path) -> None:
    (tmp_path / "gitsession.py").write_text("raise SystemExit('fired')\n")
    (tmp_path / "json.py").write_text("raise SystemExit('fired')\n")
    env = run.clean_environment({"PYTHONPATH": str(tmp_path)})
    done = run.run([*run.program(), "--help"], timeout=60, env=env, cwd=tmp_path)
    assert (done.code, b"gitsession" in done.stdout) == (0, True)


def test_programs_are_not_looked_for_where_a_process_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}:")
    run.run(["git", "--version"], timeout=30, env=run.clean_environment(), cwd=tmp_path)
    assert not (tmp_path / "ran").exists()
