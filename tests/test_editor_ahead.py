"""code-server comes up while the repository is still brought here, and ends where no session comes of it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsession import run
from gitsession.editor.install import Installed
from gitsession.editor.server import healthy
from tests.editor.conftest import code_server as code_server
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def unpacked(runtime: Runtime, code_server: Installed, sealed: Path) -> Runtime:
    """A machine on which code-server lies already."""
    runtime.extra["XDG_CACHE_HOME"] = str(sealed / "cache")
    (sealed / "cache/gitsession").mkdir(parents=True)
    (sealed / "cache/gitsession/editor").symlink_to(code_server.directory.parent)
    return runtime


@pytest.fixture
def silence() -> Iterator[str]:
    """A git server's URL behind which every connection is taken and none is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/ada/digits.git"


def editor_socket(runtime: Runtime) -> Path | None:
    return next(runtime.state.glob("editors/*/s.sock"), None)


def answers(runtime: Runtime) -> bool:
    path = editor_socket(runtime)
    return path is not None and healthy(path, "/healthz")


def servers(runtime: Runtime) -> list[int]:
    return [seen.pid for seen in runtime.processes() if "--socket=" in seen.arguments]


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_it_answers_before_the_repository_does_and_ends_with_an_open_that_is_killed(
    unpacked: Runtime, silence: str
) -> None:
    machine = Machine(unpacked, silence)
    argv = ("-m", "gitsession", "open", silence, "--workdir", str(machine.worktree), "--storage", "none")
    opener = unpacked.start(machine.python, *argv)
    assert eventually(lambda: answers(unpacked))
    assert not machine.worktree.exists() and opener.poll() is None
    opener.kill()
    run.has_ended(opener, 30.0)
    assert eventually(lambda: unpacked.processes() == [])


def test_the_session_goes_on_with_it(unpacked: Runtime, sample_repository: Path) -> None:
    """Its parent is the keeper: the agent would have started one of its own."""
    machine = Machine(unpacked, str(sample_repository), ("--storage", str(unpacked.drive)))
    assert machine.open("--editor", "auto")["editor"]["url"]
    server = min(servers(unpacked))
    assert b"agent.keeper" in Path(f"/proc/{parent(server)}/cmdline").read_bytes()
    log = next(unpacked.state.glob("editors/*/editor.log"))
    assert log.read_text().count("HTTP server listening") == 1
    os.kill(server, signal.SIGKILL)
    assert eventually(lambda: servers(unpacked) != [] and min(servers(unpacked)) != server)
    assert eventually(lambda: bool(machine.json("status")["editor"]["healthy"]))
    machine.gitsession("close")
    assert eventually(lambda: unpacked.processes() == [])


def test_what_was_assumed_wrongly_is_started_again(unpacked: Runtime, sample_repository: Path) -> None:
    """Whose session it is, and so whom commits name, may show only once the vault was asked."""
    machine = Machine(unpacked, str(sample_repository), ("--storage", str(unpacked.drive)))
    unpacked.extra["LOGNAME"] = "lena"
    machine.open()
    machine.gitsession("flush")
    unpacked.kill()
    unpacked.wipe()
    (unpacked.home / ".gitconfig").unlink()
    unpacked.extra["LOGNAME"] = "ada"
    assert machine.open("--editor", "auto")["editor"]["url"]
    (server,) = (
        pid for pid in servers(unpacked) if b"agent.main" in Path(f"/proc/{parent(pid)}/cmdline").read_bytes()
    )
    assert b"lena@users.noreply" in Path(f"/proc/{server}/environ").read_bytes()
    assert {server} >= {pid for pid in servers(unpacked) if parent(pid) not in servers(unpacked)}
