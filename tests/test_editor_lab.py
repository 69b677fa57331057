"""JupyterLab as a session's editor: behind the same gate, with the same saving, ended as a whole."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.editor.browser_side import UPGRADE, Answer, ask, origin, redeem
from tests.rig import processes
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytest.importorskip("jupyterlab")
pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass(frozen=True)
class Guest:
    """Somebody who followed the link, as JupyterLab's page speaks to its server."""

    port: int
    cookie: str
    xsrf: str

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        headers = {"Cookie": self.cookie, "Origin": origin(self.port), "X-XSRFToken": self.xsrf}
        return ask(self.port, method, path, headers, b"" if body is None else json.dumps(body).encode())


@pytest.fixture
def machine(runtime: Runtime, git_server: GitServer, hub: Hub) -> Machine:
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    return Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))


def follow(link: str) -> Guest:
    url, _, ticket = link.partition("/#ticket=")
    port = int(url.rpartition(":")[2])
    ours = redeem(port, ticket).headers["set-cookie"].partition(";")[0]
    theirs = ask(port, path="/lab", headers={"Cookie": ours}).headers["set-cookie"]
    xsrf = re.search(r"_xsrf=([^;]+)", theirs)
    assert xsrf is not None
    return Guest(port, f"{ours}; _xsrf={xsrf[1]}", xsrf[1])


async def execute(guest: Guest, kernel: str, code: str) -> str:
    """Run code in a kernel through the gate's WebSocket and answer with what it printed."""
    url = f"ws://127.0.0.1:{guest.port}/api/kernels/{kernel}/channels"
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": "s", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    headers = {"Cookie": guest.cookie, "Origin": origin(guest.port)}
    printed = ""
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
        await socket.send_json(message)
        while True:
            said: dict[str, Any] = await socket.receive_json()
            printed += said["content"].get("text", "") if said["msg_type"] == "stream" else ""
            if said["msg_type"] == "execute_reply" and said["parent_header"]["msg_id"] == header["msg_id"]:
                return printed


def lab_pids(machine: Machine) -> list[int]:
    return [seen.pid for seen in machine.runtime.processes() if "jupyterlab.labapp" in seen.arguments]


def test_it_is_gated_saves_and_is_kept_alive(machine: Machine, git_server: GitServer) -> None:
    opened = machine.open("--editor", "lab")
    hosted, branch = git_server.forge.repository(), str(opened["branch"])
    port = int(opened["editor"]["url"].partition("/#")[0].rpartition(":")[2])
    for path in ("/lab", "/api/contents", "/api/kernels", "/static/lab/index.html"):
        assert ask(port, path=path).status == 401
        assert ask(port, path=path, headers=UPGRADE).status == 403
    guest = follow(opened["editor"]["url"])
    page = guest.ask("GET", "/lab").body.decode()
    assert re.search(r'"news":\s*\{\s*"disabled":\s*true', page), "it would ask about news at every start"

    file = {"type": "file", "format": "text", "content": "typed in the lab\n"}
    assert guest.ask("PUT", "/api/contents/README.md", file).status == 200
    assert eventually(lambda: hosted.read(branch, "README.md").strip() == "typed in the lab")
    kernel = str(guest.ask("POST", "/api/kernels", {"name": "python3"}).json()["id"])
    push = "git add README.md && git commit -qm 'From a cell' && git push -q && echo pushed"
    code = f"import subprocess; print(subprocess.getoutput({push!r}))"
    assert asyncio.run(asyncio.wait_for(execute(guest, kernel, code), 60)) == "pushed\n"
    assert hosted.git("log", "-1", "--format=%s", "main").strip() == "From a cell"

    victims = lab_pids(machine)
    assert len(victims) == 1
    processes.send(signal.SIGKILL, victims)
    assert eventually(lambda: len(lab_pids(machine)) == 1 and lab_pids(machine) != victims)
    assert eventually(lambda: guest.ask("GET", "/api/contents/README.md").status == 200)
    assert guest.ask("PUT", "/lab/api/settings/@jupyterlab/apputils-extension:themes", theme()).status == 204
    machine.gitsession("close")
    assert eventually(lambda: machine.runtime.processes() == [])
    machine.lose()

    guest = follow(machine.open("--editor", "lab")["editor"]["url"])
    kept = guest.ask("GET", "/lab/api/settings/@jupyterlab/apputils-extension:themes").json()
    assert "JupyterLab Dark" in str(kept["raw"])


def test_a_kernel_within_it_can_finish_the_session(machine: Machine, git_server: GitServer) -> None:
    opened = machine.open("--editor", "lab")
    guest = follow(opened["editor"]["url"])
    kernel = str(guest.ask("POST", "/api/kernels", {"name": "python3"}).json()["id"])
    code = "import gitsession; gitsession.open('.', progress=False).finish()"
    with suppress(aiohttp.WSMessageTypeError):  # the kernel ends with the editor
        asyncio.run(asyncio.wait_for(execute(guest, kernel, code), 60))
    assert eventually(lambda: machine.runtime.processes() == [])
    hosted = git_server.forge.repository()
    assert list(hosted.refs("refs/gitsession-done")) == [f"refs/gitsession-done/ada/{opened['session']}"]


def theme() -> dict[str, str]:
    return {"raw": '{"theme": "JupyterLab Dark"}'}
