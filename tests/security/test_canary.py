"""The token is nowhere: not on disk, not in an argument, not in an environment, not in what is said."""

from __future__ import annotations

import base64
import os
import threading
import time
import urllib.parse
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Finished, Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def shapes(secret: str) -> tuple[bytes, ...]:
    """The forms in which a secret may turn up: raw, base64 at each offset, URL-encoded, hex, Basic."""
    raw = secret.encode()
    shifted = {
        base64.b64encode(b"x" * shift + raw)[4 * bool(shift) :].rstrip(b"=")[:-2] for shift in range(3)
    }
    basic = base64.b64encode(b"x-access-token:" + raw).rstrip(b"=")[24:]
    return (raw, raw.hex().encode(), urllib.parse.quote(secret).encode(), basic, *shifted)


CANARY = shapes(ADA_TOKEN)


def holds_canary(content: bytes) -> bool:
    return any(shape in content for shape in CANARY)


def files_with_canary(root: Path) -> list[Path]:
    """The files below a folder that hold the secret, as they lie there or inflated."""
    found = []
    for folder, _, names in os.walk(root):
        for path in (Path(folder) / name for name in names):
            if path.is_symlink() or not path.is_file():
                continue
            content = path.read_bytes()
            if holds_canary(content) or holds_canary(_inflated(content)) or holds_canary(os.fsencode(path)):
                found.append(path)
    return found


def _inflated(content: bytes) -> bytes:
    try:
        return zlib.decompress(content)
    except zlib.error:
        return b""


@contextmanager
def watched(runtime: Runtime, findings: set[str]) -> Iterator[None]:
    """Poll the arguments and environments of every process that ours start, again and again."""
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            for seen in runtime.processes():
                _look_at(seen.pid, findings)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _look_at(pid: int, findings: set[str]) -> None:
    with suppress(OSError):
        place = Path(f"/proc/{pid}")
        parent = place.joinpath("stat").read_text().rpartition(")")[2].split()[1]
        argv = place.joinpath("cmdline").read_bytes()
        if holds_canary(argv):
            findings.add(f"argv of {argv!r}")
        is_ours = parent != str(os.getpid())
        told = is_ours and holds_canary(place.joinpath("environ").read_bytes())
        if told and not _waits_for_its_exec(place, argv, parent):
            findings.add(f"environment of {argv!r}")


def _waits_for_its_exec(place: Path, argv: bytes, parent: str) -> bool:
    """Whether a process is its parent's image still: between fork and exec, which a moment later is over."""
    if argv != Path(f"/proc/{parent}/cmdline").read_bytes():
        return False
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        if place.joinpath("cmdline").read_bytes() != argv:
            return not holds_canary(place.joinpath("environ").read_bytes())
        time.sleep(0.001)
    return False


@pytest.fixture
def machine(runtime: Runtime, git_server: GitServer, hub: Hub) -> Machine:
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    return Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))


def assert_silent(*said: Finished) -> None:
    for done in said:
        assert not holds_canary(done.stdout.encode() + done.stderr.encode())


def objects_with_canary(machine: Machine, repository: Path) -> list[str]:
    """The objects of a repository that hold the secret, packed ones too."""
    listed = machine.runtime.run(
        "git", "cat-file", "--batch", "--batch-all-objects", "--unordered", cwd=repository, check=False
    )
    return [line for line in listed.stdout.splitlines() if holds_canary(line.encode())]


def push_by_hand(machine: Machine) -> Finished:
    """The person pushes from a shell of theirs that does not hold the token."""
    script = 'eval "$(python3 -m gitsession env)" && git push --quiet origin HEAD:refs/heads/pushed'
    return machine.runtime.run("sh", "-c", script, cwd=machine.worktree, env={"GITHUB_TOKEN": ""})


def test_the_token_is_nowhere(machine: Machine, git_server: GitServer) -> None:
    findings: set[str] = set()
    trace = {"GIT_TRACE": "1", "GIT_TRACE_CURL": "1", "GIT_CURL_VERBOSE": "1"}
    machine.runtime.extra |= trace
    with watched(machine.runtime, findings):
        machine.open()
        (machine.worktree / "new.txt").write_text("new\n")
        said = [
            machine.gitsession("flush", "--timeout", "30", "--level", "safe"),
            machine.gitsession("status", "--json"),
            machine.gitsession("env"),
            machine.gitsession(
                "open", "ada/no-such", "--workdir", str(machine.runtime.work / "x"), check=False
            ),
            push_by_hand(machine),
        ]
        machine.lose()
        machine.open()
        git_server.stop()
        (machine.worktree / "late.txt").write_text("nobody hears\n")
        time.sleep(3)
        said.append(machine.gitsession("status"))
        said.append(machine.gitsession("close", check=False))
    assert findings == set()
    assert_silent(*said)
    places = (machine.runtime.root, git_server.forge.root)
    assert [path for place in places for path in files_with_canary(place)] == []
    stores = [
        machine.worktree,
        *machine.runtime.state.glob("sessions/*/shadow.git"),
        *git_server.forge.root.glob("*/*.git"),
    ]
    assert [line for store in stores for line in objects_with_canary(machine, store)] == []


def test_the_search_finds_a_planted_token(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "raw").write_text(f"x{ADA_TOKEN}y")
    (tmp_path / "basic").write_bytes(base64.b64encode(f"x-access-token:{ADA_TOKEN}".encode()))
    (tmp_path / "deflated").write_bytes(zlib.compress(ADA_TOKEN.encode()))
    (tmp_path / "clean").write_text("nothing here")
    assert {path.name for path in files_with_canary(tmp_path)} == {"raw", "basic", "deflated"}
    findings: set[str] = set()
    with watched(runtime, findings):
        runtime.run("sh", "-c", f"sleep 0.5; : {ADA_TOKEN}")
        runtime.run("sh", "-c", "env SECRET=$SECRET sleep 0.5", env={"SECRET": ADA_TOKEN})
    assert any(finding.startswith("argv") for finding in findings)
