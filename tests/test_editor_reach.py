"""The session's editor from the command line: how it is reached, how it fails, and what it leaves."""

from __future__ import annotations

import signal
import socket
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from gitsession.editor.install import Installed
from tests.editor.browser_side import ask, redeem
from tests.editor.conftest import code_server as code_server
from tests.rig import processes
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime
from tests.spine import Machine

NOWHERE = {
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "npm_config_registry": "http://127.0.0.1:9",
    "npm_config_fetch_retries": "0",
    "PIP_INDEX_URL": "http://127.0.0.1:9",
    "PIP_RETRIES": "0",
}

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(240)]


@pytest.fixture
def machine(runtime: Runtime, sample_repository: Path, code_server: Installed, sealed: Path) -> Machine:
    """A machine on which code-server is installed, with a bare repository on a path and a vault."""
    runtime.extra["XDG_CACHE_HOME"] = str(sealed / "cache")
    (sealed / "cache/gitsession").mkdir(parents=True)
    (sealed / "cache/gitsession/editor").symlink_to(code_server.directory.parent)
    return Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))


def port_of(link: str) -> int:
    return int(link.partition("/#")[0].rpartition(":")[2])


def test_a_tunnel_carries_the_editor_and_what_is_exposed(machine: Machine) -> None:
    agent = Path(__file__).parent / "rig/ngrok_agent.py"
    programs = machine.runtime.root / "bin"
    programs.mkdir()
    (programs / "ngrok").write_text(f'#!/bin/sh\nexec {sys.executable} {agent} "$@"\n')
    (programs / "ngrok").chmod(0o755)
    machine.runtime.extra |= {"NGROK_AUTHTOKEN": "good", "PATH": f"{programs}:{machine.runtime.env['PATH']}"}
    link = machine.open("--editor", "auto", "--tunnel", "ngrok")["editor"]["url"]
    public, ticket = port_of(link), link.partition("#ticket=")[2]
    answer = redeem(public, ticket, {"Origin": link.partition("/#")[0]})
    assert answer.status == 204
    assert redeem(public, ticket, {"Origin": link.partition("/#")[0]}).status != 204
    cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
    assert ask(public, path="/healthz").status == 401
    assert ask(public, path="/healthz", headers=cookie).status == 200
    exposed = machine.json("expose", "8000")["url"]
    assert port_of(exposed) not in (public, 8000)
    agents = [seen.pid for seen in machine.runtime.processes() if "--none" in seen.arguments]
    processes.send(signal.SIGKILL, agents)

    def reopened() -> bool:
        url = machine.json("status")["editor"]["url"]
        return url is not None and port_of(url) != public and "127.0.0.1" in url

    assert eventually(reopened)
    machine.gitsession("close")
    assert eventually(lambda: machine.runtime.processes() == [])


def test_a_taken_port_is_said_and_everything_else_works(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        arguments = ("open", machine.repo, "--workdir", str(machine.worktree), "--port", port, "--json")
        done = machine.gitsession(*arguments, *machine.options)
    assert f"Port {port} is taken by" in done.stderr
    assert '"editor": null' in done.stdout
    (machine.worktree / "new.txt").write_text("new\n")
    machine.gitsession("flush", "--timeout", "30", "--level", "safe")
    assert machine.gitsession("expose", "8000", check=False).code == 1


def test_nothing_is_left_when_keeper_and_agent_are_killed(machine: Machine) -> None:
    assert machine.open("--editor", "auto", "--tunnel", "none")["editor"]["url"].startswith(
        "http://127.0.0.1:"
    )
    assert "ssh -N -L" in machine.gitsession("status").stdout
    ours = ("agent.keeper", "agent.main")
    victims = [
        seen.pid for seen in machine.runtime.processes() if any(name in seen.arguments for name in ours)
    ]
    assert len(victims) == 2
    processes.send(signal.SIGKILL, victims)
    assert eventually(lambda: machine.runtime.processes() == [])


def test_without_an_installation_or_a_network_the_reason_is_said(machine: Machine, sealed: Path) -> None:
    (sealed / "cache/gitsession/editor").unlink()
    machine.runtime.extra |= NOWHERE
    arguments = ("open", machine.repo, "--workdir", str(machine.worktree), "--json")
    done = machine.gitsession(*arguments, *machine.options)
    assert '"editor": null' in done.stdout
    assert "There is no editor" in done.stderr
    machine.gitsession("flush", "--timeout", "30", "--level", "safe")


def test_the_next_machine_brings_it_from_the_vault_without_a_network(machine: Machine, sealed: Path) -> None:
    machine.runtime.extra["SSH_CONNECTION"] = "10.0.0.1 1 10.0.0.2 22"  # so that it is not the person's own
    machine.open("--editor", "auto", "--tunnel", "none")
    kept = machine.runtime.drive / "gitsession-v1/editor"
    assert eventually(lambda: any(is_whole(file) for file in kept.glob("code-server-*.tar.zst")), 180)
    machine.gitsession("close")
    machine.lose()
    (sealed / "cache/gitsession/editor").unlink()
    machine.runtime.extra |= NOWHERE
    opened = machine.open("--editor", "auto", "--tunnel", "none")
    assert opened["editor"] is not None
    assert list((sealed / "cache/gitsession/editor").glob("code-server-*/gitsession-editor.json"))


def is_whole(file: Path) -> bool:
    return sha256(file.read_bytes()).hexdigest() == file.name.split(".")[-3]
