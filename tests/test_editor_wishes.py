"""What a person may wish of a session's editor: a password, extensions, and something else later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitsession.editor.install import Installed
from tests.editor.browser_side import Answer, ask, origin
from tests.editor.conftest import code_server as code_server
from tests.rig.open_vsx import OpenVsx
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(300)]

PASSWORD = "open sesame"
OPEN = """
import gitsession, json, sys
given = json.loads(sys.argv[1])
session = gitsession.open(**given)
print(json.dumps({"url": session.url, "notes": session.notes}))
"""


@pytest.fixture
def registry(sealed: Path) -> Iterator[OpenVsx]:
    with OpenVsx(str(sealed / "ran"), "rig.one", "rig.two") as served:
        yield served


@pytest.fixture
def machine(
    runtime: Runtime, sample_repository: Path, code_server: Installed, sealed: Path, registry: OpenVsx
) -> Machine:
    runtime.extra |= {"XDG_CACHE_HOME": str(sealed / "cache"), "EXTENSIONS_GALLERY": registry.variable}
    (sealed / "cache/gitsession").mkdir(parents=True)
    (sealed / "cache/gitsession/editor").symlink_to(code_server.directory.parent)
    return Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))


def wish(machine: Machine, **options: Any) -> Any:
    """`gitsession.open` in a Python of its own: a link and the notes."""
    given: dict[str, Any] = {"repo": machine.repo, "workdir": str(machine.worktree)}
    given["storage"] = str(machine.runtime.drive)
    done = machine.runtime.python(OPEN, json.dumps({**given, "progress": False, **options}), timeout=120)
    return json.loads(done.stdout.splitlines()[-1])


def installed(machine: Machine) -> set[str]:
    for listed in machine.runtime.state.glob("editors/*/extensions/extensions.json"):
        return {entry["identifier"]["id"] for entry in json.loads(listed.read_text())}
    return set()


def try_password(port: int, password: str) -> Answer:
    body = json.dumps({"password": password}).encode()
    headers = {"Content-Type": "application/json", "Origin": origin(port)}
    return ask(port, "POST", "/.gitsession/sign-in", headers, body)


def test_a_password_opens_it_and_is_nowhere_at_rest(machine: Machine) -> None:
    port = int(wish(machine, password=PASSWORD)["url"].partition("/#")[0].rpartition(":")[2])
    assert try_password(port, "wrong").status == 403
    cookie = try_password(port, PASSWORD).headers["set-cookie"].partition(";")[0]
    assert ask(port, path="/healthz", headers={"Cookie": cookie}).status == 200
    for seen in machine.runtime.processes():
        for place in ("cmdline", "environ"):
            assert PASSWORD.encode() not in Path(f"/proc/{seen.pid}/{place}").read_bytes(), seen
    for folder in (machine.runtime.state, machine.runtime.home, machine.runtime.drive, machine.worktree):
        for path in folder.rglob("*"):
            assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path


def test_extensions_are_installed_and_follow_the_person(machine: Machine, registry: OpenVsx) -> None:
    local = machine.runtime.root / "two.vsix"
    local.write_bytes(registry.packages["rig.two"])
    wish(machine, extensions=["rig.one", str(local), "rig.nowhere"])
    assert eventually(lambda: {"rig.one", "rig.two"} <= installed(machine))
    assert eventually(lambda: "rig.nowhere" in str(machine.json("status")) + log(machine))
    machine.gitsession("close")
    machine.lose()
    registry.asked.clear()
    wish(machine)
    assert eventually(lambda: {"rig.one", "rig.two"} <= installed(machine))
    assert {"rig.one", "rig.two"} <= set(registry.asked)


def log(machine: Machine) -> str:
    return "".join(path.read_text() for path in machine.runtime.state.glob("sessions/*/log/agent.log"))


def test_a_later_open_changes_what_it_asks_for_or_says_that_it_does_not(machine: Machine) -> None:
    first = wish(machine, extensions=["rig.one"])
    assert wish(machine)["notes"] == []
    told = " ".join(wish(machine, port=1, password="p", editor="lab", extensions=["rig.two"])["notes"])
    for said in ("not at 1", "without a password", "as VS Code"):
        assert said in told
    assert "gitsession close" in told
    assert eventually(lambda: "rig.two" in installed(machine))
    refused = wish(machine, tunnel="ngrok")
    assert "needs an authtoken" in " ".join(refused["notes"])
    assert refused["url"].partition("/#")[0] == first["url"].partition("/#")[0]
    assert "goes on" in " ".join(wish(machine, editor=None)["notes"])
