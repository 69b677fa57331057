"""The editor's way out of Colab: nothing is opened by itself, a click opens it, and it comes back."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.editor.browser_side import UPGRADE, ask, redeem
from tests.notebook.conftest import OpenNotebook, opening
from tests.notebook.conftest import open_notebook as open_notebook
from tests.rig import processes
from tests.rig.colab import Front, Notebook, Ran
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime

pytest.importorskip("jupyterlab")  # the editor here: it needs no installation
pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(240)]

TERMS = "Free Colab runtimes do not allow remote UIs"


class Page:
    """What Colab's page answers: its proxy's address of a port, and how the probe through it went."""

    def __init__(self) -> None:
        self.passes = {"post": True, "websocket": False}

    def __call__(self, script: str) -> Any:
        asked = re.search(r"proxyPort\((\d+)\)", script)
        if asked:
            return f"https://{asked[1]}-dot-colab.example"
        return self.passes if "new WebSocket" in script else None


@pytest.fixture
def ngrok(runtime: Runtime) -> None:
    """The substitute ngrok is the `ngrok` on the machine's PATH."""
    agent = Path(__file__).parent / "rig/ngrok_agent.py"
    programs = runtime.root / "bin"
    programs.mkdir()
    (programs / "ngrok").write_text(f'#!/bin/sh\nexec {sys.executable} {agent} "$@"\n')
    (programs / "ngrok").chmod(0o755)
    runtime.extra["PATH"] = f"{programs}:{runtime.env['PATH']}"


def click(notebook: Notebook, name: str) -> tuple[str | None, Ran]:
    """What the page does at a click: it calls the kernel, and hears the link to open."""
    ran = notebook.run(
        "import json; from google.colab import output\n"
        f"print(json.dumps(output.CALLBACKS['gitsession.open_tunnel']({name!r}).data))"
    )
    assert ran.ok, ran.error
    return json.loads(ran.stdout.splitlines()[-1])["url"], ran


def texts(ran: Ran) -> str:
    return "\n".join(shown["data"].get("text/html", "") for shown in ran.displays)


def status(notebook: Notebook) -> Any:
    """None while the agent is away."""
    ran = notebook.run("print(json.dumps(session.status().editor and session.status().editor.url))")
    return json.loads(ran.stdout.splitlines()[-1]) if ran.ok else None


def pids(runtime: Runtime, words: str) -> list[int]:
    return [seen.pid for seen in runtime.processes() if words in seen.arguments]


def test_colabs_proxy_is_opened_by_a_click_once_it_passes_what_is_needed(
    open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path
) -> None:
    page = Page()
    notebook = open_notebook(Front(scripts=page))
    shown = notebook.run(opening(sample_repository, runtime, editor="lab", progress=False))
    assert shown.ok, shown.error
    assert TERMS in texts(shown) and "ticket" not in texts(shown)
    notebook.run("import json")
    assert status(notebook) is None

    refused, said = click(notebook, "colab")
    assert refused is None and "does not pass websocket" in texts(said)
    assert status(notebook) is None
    page.passes = {"post": True, "websocket": True}
    link, said = click(notebook, "colab")
    assert link is not None and "ticket" not in texts(said)
    public, _, ticket = link.partition("/#ticket=")
    port = int(public.removeprefix("https://").partition("-")[0])
    through = {"Host": f"localhost:{port}", "Origin": public}
    assert redeem(port, ticket, {**through, "Origin": "https://evil.example"}).status == 403
    answer = redeem(port, ticket, through)
    assert answer.status == 204
    cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
    assert ask(port, path="/api", headers={**through, **cookie}).status == 200
    assert ask(port, path="/api", headers={**through, **UPGRADE}).status == 401

    exposed = notebook.run("print(session.expose(7860))").stdout.strip()
    theirs, _, ticket = exposed.partition("/#ticket=")
    behind = int(theirs.removeprefix("https://").partition("-")[0])
    assert behind not in (port, 7860)
    assert redeem(behind, ticket, {"Host": f"localhost:{behind}", "Origin": public}).status == 403
    assert redeem(behind, ticket, {"Host": f"localhost:{behind}", "Origin": theirs}).status == 204

    processes.send(signal.SIGKILL, pids(runtime, "agent.main"))
    assert eventually(lambda: status(notebook) == public)
    fresh, _ = click(notebook, "fresh")
    assert fresh is not None and fresh.startswith(public) and fresh != link
    again = notebook.run(opening(sample_repository, runtime, editor="lab", progress=False))
    assert again.ok, again.error
    assert "Open the editor</button>" in texts(again) and "ticket" not in texts(again)
    notebook.run("session.close()")


def test_a_tunnel_is_opened_by_a_click_and_again_when_it_drops(
    open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path, ngrok: None
) -> None:
    notebook = open_notebook(Front(scripts=Page()))
    notebook.run(opening(sample_repository, runtime, editor="lab", progress=False))
    notebook.run("import json")
    refused, said = click(notebook, "ngrok")
    assert refused is None and "authtoken" in texts(said)
    assert pids(runtime, "--none") == []

    notebook.front.secrets["NGROK_AUTHTOKEN"] = "good"
    link, _ = click(notebook, "ngrok")
    assert link is not None
    public, _, ticket = link.partition("/#ticket=")
    assert redeem(int(public.rpartition(":")[2]), ticket, {"Origin": public}).status == 204
    assert status(notebook) == public
    processes.send(signal.SIGKILL, pids(runtime, "--none"))
    assert eventually(lambda: status(notebook) not in (None, public))
    card = notebook.run("%gitsession").cards[-1]
    assert status(notebook) in card and "ticket" not in card

    processes.send(signal.SIGKILL, pids(runtime, "agent.main"))
    assert eventually(lambda: len(pids(runtime, "agent.main")) == 1 and status(notebook) is not None)
    assert len(pids(runtime, "--none")) == 1
    notebook.run("session.close()")
    assert eventually(lambda: pids(runtime, "--none") == [])
