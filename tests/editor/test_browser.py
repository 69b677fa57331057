"""The real code-server in real Chromium, through the gate."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gitsession import run
from gitsession.editor import marked
from gitsession.editor.code_server import CodeServer
from gitsession.editor.install import Installed
from gitsession.editor.supervise import Editor, Plan
from gitsession.editor.tunnel.colab import ColabProxy
from gitsession.errors import EditorError
from tests.rig.browser import PATIENCE, TREE, chromium, fresh_page, needs_chromium
from tests.rig.patience import eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    needs_chromium,
]

Start = Callable[..., Editor]


@pytest.fixture
def browser(sealed: Path) -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def page(browser: Browser) -> Page:
    return fresh_page(browser)


@pytest.fixture
def project(sealed: Path) -> Path:
    folder = sealed / "project"
    folder.mkdir()
    (folder / "train.py").write_text("print(1)\n")
    return folder


@pytest.fixture
def start(
    sealed: Path, project: Path, code_server: Installed, environment: dict[str, str]
) -> Iterator[Start]:
    started: list[Editor] = []

    def launch(*, trusted: bool = True, **settings: object) -> Editor:
        plan = Plan(project, sealed / "e", environment, trusted=trusted, settings=settings)
        editor = Editor(plan, lambda: code_server)
        started.append(editor)
        editor.start()
        return editor

    yield launch
    for editor in started:
        editor.stop()


def open_file(page: Page, name: str) -> None:
    page.click(f'{TREE}:has-text("{name}")')
    page.wait_for_selector(".editor-instance .view-lines")


def type_at_start(page: Page, text: str) -> None:
    page.click(".editor-instance .view-lines")
    page.keyboard.press("Control+Home")
    page.keyboard.type(text)


def server_pid(editor: Editor, node: Path) -> int:
    """The process that listens: the parent of the other ones of that program."""
    programs = [pid for pid in marked.living(editor.layout.mark) if f"{node.resolve()}" == _program(pid)]
    return min(programs)


def _program(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return ""


def test_a_link_opens_the_editor_and_an_edit_is_on_disk(start: Start, page: Page, project: Path) -> None:
    editor = start()
    link = editor.link()
    page.goto(link)
    page.wait_for_selector(TREE)
    assert "ticket" not in page.url
    assert "ticket" not in json.dumps(page.evaluate("JSON.stringify(history.state)"))
    open_file(page, "train.py")
    type_at_start(page, "# typed\n")
    page.keyboard.press("Control+s")
    assert eventually(lambda: (project / "train.py").read_text() == "# typed\nprint(1)\n")
    assert [cookie["name"][:11] for cookie in page.context.cookies() if cookie.get("httpOnly")] == [
        "gitsession-"
    ]
    second = page.context.browser.new_page() if page.context.browser else page
    second.goto(link)
    expect(second.get_by_role("heading")).to_have_text("Not signed in")


@pytest.mark.long
def test_a_killed_server_is_back_and_the_page_reconnects(
    start: Start, page: Page, project: Path, code_server: Installed
) -> None:
    editor = start(**{"files.autoSave": "off"})
    page.goto(editor.link())
    page.wait_for_selector(TREE)
    open_file(page, "train.py")
    type_at_start(page, "# unsaved\n")
    expect(page.locator(".editor-instance .view-lines")).to_contain_text("unsaved", timeout=PATIENCE)
    backups = editor.layout.user / "User/Backups"
    assert eventually(lambda: any(path.is_file() for path in backups.rglob("*")))
    before = server_pid(editor, code_server.node)
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: not run.is_alive(before) and not editor.healthy())
    assert eventually(editor.healthy)
    page.wait_for_function("performance.getEntriesByType('navigation')[0].type === 'reload'")
    page.wait_for_selector(TREE)
    expect(page.locator(".editor-instance .view-lines")).to_contain_text("unsaved", timeout=PATIENCE)
    page.click(".editor-instance .view-lines")
    page.keyboard.press("Control+s")
    assert eventually(lambda: (project / "train.py").read_text().startswith("# unsaved"))


def test_nothing_is_left_of_it_even_when_its_parent_was_killed(
    start: Start, page: Page, sealed: Path, code_server: Installed
) -> None:
    editor = start()
    page.goto(editor.link())
    page.wait_for_selector(TREE)
    page.keyboard.press("Control+Backquote")
    page.wait_for_selector(".terminal-wrapper .xterm")
    page.click(".terminal-wrapper .xterm")
    page.wait_for_timeout(2000)
    page.keyboard.type(f"(setsid sleep 4321 & echo $! > {sealed}/sleeper)\n")
    assert eventually((sealed / "sleeper").exists)
    assert eventually(lambda: (sealed / "sleeper").read_text().strip() != "")
    os.kill(server_pid(editor, code_server.node), signal.SIGKILL)
    editor.stop()
    assert marked.living(editor.layout.mark) == []


@pytest.fixture
def notebook() -> Iterator[str]:
    """A page of another origin, which is where the probe starts from."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/nothing"
        server.shutdown()
        thread.join()


def test_colabs_proxy_is_probed_from_the_browser(page: Page, notebook: str) -> None:
    seen: list[int] = []

    def port_url(port: int) -> str:
        seen.append(port)
        return f"http://127.0.0.1:{port}/"

    page.goto(notebook)
    proxy = ColabProxy(port_url, page.evaluate)
    assert proxy.probe() == {"post": True, "websocket": True}
    nowhere = ColabProxy(lambda _: "http://127.0.0.1:9/", page.evaluate)
    assert nowhere.probe() == {"post": False, "websocket": False}
    with pytest.raises(EditorError, match="post and websocket"):
        nowhere.open(8080)


def test_the_command_line_holds_nothing_secret(
    project: Path, sealed: Path, code_server: Installed, environment: dict[str, str]
) -> None:
    from gitsession.editor.server import Layout, private_environment

    server = CodeServer(code_server, project, Layout(sealed / "e"), environment)
    assert {"--auth=none", "--socket-mode=600", "--disable-proxy", "--disable-telemetry"} <= set(
        server.command
    )
    assert "--disable-workspace-trust" not in server.command
    given = private_environment({**environment, "GITHUB_TOKEN": "t", "PASSWORD": "p"}, "m")
    assert "GITHUB_TOKEN" not in given and "PASSWORD" not in given
