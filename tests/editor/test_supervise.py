from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitsession import run
from gitsession.editor import marked
from gitsession.editor.gate_process import GateProcess
from gitsession.editor.install import Installed
from gitsession.editor.supervise import Editor, Plan
from gitsession.errors import EditorError
from tests.editor.browser_side import ROUTES, UPGRADE, ask, origin, redeem, sign_in
from tests.rig.patience import eventually
from tests.rig.upstream import SECRET, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

Make = Callable[..., Editor]


@pytest.fixture
def make(sealed: Path, code_server: Installed, environment: dict[str, str]) -> Iterator[Make]:
    made: list[Editor] = []
    (sealed / "p").mkdir()

    def build(**fields: object) -> Editor:
        plan = Plan(sealed / "p", sealed / "e", {**environment, "GITHUB_TOKEN": "ghp_secret"}, **fields)  # type: ignore[arg-type]
        editor = Editor(plan, lambda: code_server)
        made.append(editor)
        return editor

    yield build
    for editor in made:
        editor.stop()


def cookie_for(editor: Editor, port: int) -> str:
    return redeem(port, editor.mint_ticket()).headers["set-cookie"].partition(";")[0]


def test_it_is_reached_only_through_the_gate(make: Make) -> None:
    editor = make()
    editor.start()
    port = int(editor.url().rpartition(":")[2])
    for path in ROUTES:
        for upgrade in ({}, UPGRADE):
            stranger = ask(port, path=path, headers={**upgrade, "Origin": origin(port)})
            assert stranger.status in (401, 404), path
    assert ask(port, path="/healthz", headers={"Cookie": cookie_for(editor, port)}).status == 200
    assert stat.S_IMODE(editor.layout.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(editor.layout.directory.stat().st_mode) == 0o700
    for pid in marked.living(editor.layout.mark):
        assert b"ghp_secret" not in Path(f"/proc/{pid}/environ").read_bytes()
    editor.stop()
    assert marked.living(editor.layout.mark) == []
    assert list(editor.layout.directory.glob("*.sock")) == []
    with pytest.raises(EditorError, match="does not answer"):
        editor.mint_ticket()


def test_a_second_parent_takes_over_what_runs(make: Make) -> None:
    first = make()
    first.start()
    port = int(first.url().rpartition(":")[2])
    cookie, running = cookie_for(first, port), set(marked.living(first.layout.mark))
    second = make()
    second.start()
    assert second.url() == first.url()
    assert running <= set(marked.living(second.layout.mark))
    assert ask(port, path="/healthz", headers={"Cookie": cookie}).status == 200
    second.stop()
    assert marked.living(first.layout.mark) == []


def test_killed_processes_come_back_and_guests_stay_signed_in(make: Make) -> None:
    editor = make()
    editor.start()
    port = int(editor.url().rpartition(":")[2])
    headers = {"Cookie": cookie_for(editor, port)}
    victims = marked.living(editor.layout.mark)
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not any(map(run.is_alive, victims)))
    assert eventually(lambda: ask(port, path="/healthz", headers=headers).status == 200)
    assert eventually(editor.healthy)


def test_a_port_is_exposed_on_an_origin_of_its_own(make: Make, sealed: Path) -> None:
    editor = make()
    editor.start()
    port = int(editor.url().rpartition(":")[2])
    exposed = editor.expose(port)
    assert exposed is editor.expose(port) and exposed.port != port
    cookie = cookie_for(editor, port)
    assert ask(exposed.port, headers={"Cookie": cookie}).status == 401
    answer = ask(exposed.port, headers={"Cookie": f"{cookie}; {sign_in(exposed)}"})
    assert answer.status == 421  # what stands behind it, the editor's gate, does not know that host
    editor.stop()
    assert not exposed.is_running()


def test_a_gate_before_a_port_passes_on_what_the_program_says(gate: GateProcess, sealed: Path) -> None:
    before = GateProcess(sealed / "x.sock", {"port": gate.port}, sealed / "log", name="x")
    gate.allow("http://127.0.0.1:1", host="127.0.0.1:1")
    before.start()
    gate.allow(before.url)
    try:
        inner, outer = sign_in(gate), sign_in(before)
        assert ask(before.port, headers={"Cookie": outer}).status == 401
        assert SECRET.encode() not in ask(before.port, headers={"Cookie": f"{inner}; {outer}"}).body
    finally:
        before.stop()


def test_a_server_that_cannot_start_is_an_error_that_leaves_nothing(
    sealed: Path, environment: dict[str, str], upstream: Upstream
) -> None:
    (sealed / "p").mkdir()
    nothing = Installed(sealed, Path("/bin/false"), Path("/bin/false"), "")
    editor = Editor(Plan(sealed / "p", sealed / "e", environment), lambda: nothing)
    with pytest.raises(EditorError, match="ended while starting"):
        editor.start()
    editor.stop()
    assert marked.living(editor.layout.mark) == []
