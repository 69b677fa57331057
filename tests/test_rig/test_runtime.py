from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.rig import processes
from tests.rig.runtime import Runtime

DAEMON = """
import os, sys, time
if os.fork():
    sys.exit()
os.setsid()
if os.fork():
    os._exit(0)
os.environ.clear()
os.chdir("/")
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""
SCRUBBED = (
    "import os, sys; os.chdir('/'); os.execve('/bin/sleep', ['sleep', '600'], {'HOME': os.environ['HOME']})"
)


def wait_for(path: Path) -> int:
    for _ in range(500):
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.01)
    raise AssertionError(f"{path} never came")


def test_kill_leaves_nothing_however_detached(runtime: Runtime) -> None:
    runtime.python(DAEMON, str(runtime.root / "pid"))
    shell = runtime.start("sh", "-c", "sleep 600 & sleep 600")
    scrubbed = runtime.start(sys.executable, "-c", SCRUBBED)
    daemon = wait_for(runtime.root / "pid")
    assert daemon in {seen.pid for seen in runtime.processes()}
    killed = {seen.pid for seen in runtime.kill()}
    assert {daemon, shell.pid, scrubbed.pid} <= killed
    assert runtime.processes() == []
    assert shell.wait() == scrubbed.wait() == -9


def test_wipe_spares_what_is_durable(sealed: Path) -> None:
    machine = Runtime(sealed / "m", durable=(sealed / "m" / "work" / "mount",))
    (machine.drive / "vault").write_text("kept")
    (machine.work / "mount").mkdir()
    (machine.work / "mount" / "vault").write_text("kept")
    (machine.work / "train.py").write_text("lost")
    (machine.state / "agent.json").write_text("lost")
    (machine.home / ".bash_history").write_text("lost")
    machine.wipe()
    files = {str(path.relative_to(machine.root)) for path in machine.root.rglob("*") if path.is_file()}
    assert files == {"drive/vault", "work/mount/vault", "home/.gitconfig"}


def test_wipe_refuses_while_something_runs(runtime: Runtime) -> None:
    sleeper = runtime.start("sleep", "600")
    with pytest.raises(AssertionError, match=str(sleeper.pid)):
        runtime.wipe()
    runtime.kill()
    runtime.wipe()
    sleeper.wait()


def test_its_environment_is_its_own(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_of_the_tester")
    shown = runtime.run("env").stdout
    assert "ghp_of_the_tester" not in shown
    assert f"HOME={runtime.home}\n" in shown
    assert runtime.run("git", "config", "user.name").stdout == "Ada Lovelace\n"


def test_a_socket_in_its_state_has_room(runtime: Runtime) -> None:
    assert len(str(runtime.state / "sessions" / ("0" * 32) / "agent.sock")) < 100


def test_run_returns_although_a_daemon_holds_its_output(runtime: Runtime) -> None:
    finished = runtime.run("sh", "-c", "echo started; sleep 600 &", timeout=20)
    assert finished.stdout == "started\n"
    assert len(runtime.processes()) == 1


BREAKS_THE_SEAL = """
import os, pwd, subprocess
from pathlib import Path

def test_leaks() -> None:
    subprocess.Popen(["sh", "-c", "setsid sleep 600 &"]).wait()

def test_reads_the_real_home() -> None:
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    (home / ".gitconfig").open().close()
"""


@pytest.mark.slow
def test_a_test_that_breaks_the_seal_fails() -> None:
    """The inner tests must lie below `tests/` to come under its conftest."""
    inner = Path(__file__).with_name(f"broken_{os.getpid()}_seal.py")
    inner.write_text(BREAKS_THE_SEAL)
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(inner)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    finally:
        inner.unlink()
    assert "left behind and killed" in done.stdout
    assert "touched the real home" in done.stdout
    assert "1 failed, 1 passed, 1 error" in done.stdout


def test_descendants_are_found_through_dead_parents(sealed: Path) -> None:
    subprocess.run(["sh", "-c", "sleep 600 & echo $! > " + str(sealed / "pid")], check=True)
    sleeper = wait_for(sealed / "pid")
    assert sleeper in {seen.pid for seen in processes.descendants(os.getpid())}
    os.kill(sleeper, 9)
