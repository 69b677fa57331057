"""What a person does in a session's editor: the real code-server in Chromium, on a machine of the rig."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from gitsession.editor.install import Installed
from tests.editor.conftest import code_server as code_server
from tests.rig.browser import EDITOR, TREE, chromium, fresh_page
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.spine import Machine


@pytest.fixture
def machine(
    runtime: Runtime, git_server: GitServer, hub: Hub, code_server: Installed, sealed: Path
) -> Machine:
    """A machine with code-server installed, an authenticated https remote, and a vault that lasts."""
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    runtime.extra["XDG_CACHE_HOME"] = str(sealed / "cache")
    (sealed / "cache/gitsession").mkdir(parents=True)
    (sealed / "cache/gitsession/editor").symlink_to(code_server.directory.parent)
    return Machine(runtime, "ada/digits", ("--storage", str(runtime.drive)))


@pytest.fixture
def browser(sealed: Path) -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def open_editor(machine: Machine, *more: str) -> dict[str, object]:
    """`open --json` with an editor; the last option given wins over the machine's own."""
    opened = machine.open("--editor", "auto", *more)
    assert isinstance(opened, dict)
    return opened


def visit(browser: Browser, link: object) -> Page:
    page = fresh_page(browser)
    page.goto(str(link))
    page.wait_for_selector(TREE)
    return page


def look(page: Page, name: str) -> None:
    """Leave a picture for a person to look at, where one asks for it."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def link_of(opened: dict[str, object]) -> str:
    editor = opened["editor"]
    assert isinstance(editor, dict)
    return str(editor["url"])


def meter(page: Page) -> Locator:
    return page.locator("[id='gitsession.gitsession.gitsession.meter']")


def open_file(page: Page, name: str) -> None:
    page.locator(f'{TREE}:has-text("{name}")').dblclick()
    page.wait_for_selector(EDITOR)


def type_at_start(page: Page, text: str) -> None:
    page.click(EDITOR)
    page.keyboard.press("Control+Home")
    page.keyboard.type(text)


def run_in_terminal(page: Page, line: str) -> None:
    page.keyboard.press("Control+Backquote")
    page.wait_for_selector(".terminal-wrapper .xterm")
    page.wait_for_timeout(1500)
    page.keyboard.type(f"{line}\n")


def commit_and_sync(page: Page, message: str) -> None:
    """What a person does in the Source Control view: a message, Commit, Sync Changes."""
    page.keyboard.press("Control+Shift+G")
    page.wait_for_selector(".scm-view .scm-editor")
    page.click(".scm-view .scm-editor")
    page.keyboard.type(message)
    page.keyboard.press("Control+Enter")
    page.click('.scm-view .monaco-button:has-text("Sync Changes")')


def set_by_hand(machine: Machine) -> None:
    """A large font, a program, no saving by itself: what the person types stays unsaved until they say so.

    Before the page is there: a change that comes while it starts may be missed until the next one.
    """
    settings = user_folder(machine) / "settings.json"
    chosen = {
        "editor.fontSize": 21,
        "files.autoSave": "off",
        "python.defaultInterpreterPath": "/opt/own/python",
    }
    settings.write_text(json.dumps(json.loads(settings.read_text()) | chosen))


def user_folder(machine: Machine) -> Path:
    return next(machine.runtime.state.glob("editors/*/user/User"))


def command(page: Page, title: str) -> None:
    """One of ours from the command palette."""
    page.keyboard.press("F1")
    page.locator(".quick-input-widget input").fill(f">gitsession: {title}")
    page.locator(f'.quick-input-list .monaco-list-row:has-text("{title}")').first.click()
