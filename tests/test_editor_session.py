"""The editor of a session as a person meets it: the real code-server in Chromium, on a machine that dies."""

from __future__ import annotations

import json
import os
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from playwright.sync_api import Browser, Locator, Page, expect

from gitsession.editor.install import Installed
from tests.editor.conftest import code_server as code_server
from tests.rig import processes
from tests.rig.browser import EDITOR, PATIENCE, TREE, chromium, fresh_page, long_in_browser
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime
from tests.spine import Machine

pytestmark = long_in_browser(300)


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


def server_pids(machine: Machine) -> list[int]:
    """code-server's own processes: those with our socket on their command line."""
    return [seen.pid for seen in machine.runtime.processes() if "--socket=" in seen.arguments]


def set_by_hand(machine: Machine) -> None:
    """A large font, and no saving by itself: what the person types stays unsaved until they say so.

    Before the page is there: a change that comes while it starts may be missed until the next one.
    """
    settings = user_folder(machine) / "settings.json"
    own = json.loads(settings.read_text()) | {"editor.fontSize": 21, "files.autoSave": "off"}
    settings.write_text(json.dumps(own))


def user_folder(machine: Machine) -> Path:
    return next(machine.runtime.state.glob("sessions/*/editor/user/User"))


def test_edit_save_commit_push_and_go_on_elsewhere(
    machine: Machine, browser: Browser, git_server: GitServer
) -> None:
    opened = open_editor(machine)
    hosted = git_server.forge.repository()
    set_by_hand(machine)
    page = visit(browser, link_of(opened))
    assert "ticket" not in page.url
    expect(meter(page)).to_contain_text("safe", timeout=PATIENCE)
    look(page, "opened")

    open_file(page, "train.py")
    type_at_start(page, "# typed in the editor\n")
    expect(meter(page)).to_contain_text("1 file at risk", timeout=PATIENCE)
    look(page, "typed")
    page.keyboard.press("Control+s")
    branch = str(opened["branch"])
    assert eventually(lambda: hosted.read(branch, "train.py").startswith("# typed in the editor"))
    expect(meter(page)).to_contain_text("all safe", timeout=PATIENCE)
    look(page, "saved")

    commit_and_sync(page, "From the Source Control view")
    assert eventually(lambda: "Source Control view" in hosted.git("log", "-1", "--format=%s", "main"))
    assert "Ada" in hosted.git("log", "-1", "--format=%an", "main")
    look(page, "pushed")

    run_in_terminal(page, "git commit --allow-empty -qm 'From the terminal' && git push -q")
    assert eventually(lambda: "From the terminal" in hosted.git("log", "-1", "--format=%s", "main"))
    look(page, "terminal")


def test_settings_tabs_and_what_was_not_saved_are_back_on_another_machine(
    machine: Machine, browser: Browser
) -> None:
    opened = open_editor(machine)
    set_by_hand(machine)
    page = visit(browser, link_of(opened))
    open_file(page, "README.md")
    open_file(page, "train.py")
    type_at_start(page, "# half a thought\n")
    expect(meter(page)).to_contain_text("1 file at risk", timeout=PATIENCE)
    assert machine.json("status")["at_risk"] == ["train.py"]
    kept = machine.runtime.drive / "gitsession-v1"
    assert eventually(lambda: any("half a thought" in told for told in kept_buffers(kept)))
    machine.lose()
    page.close()

    again = open_editor(machine)
    assert again["session"] == opened["session"]
    own = json.loads((user_folder(machine) / "settings.json").read_text())
    assert (own["editor.fontSize"], own["files.autoSave"]) == (21, "off")
    page = visit(browser, link_of(again))
    expect(page.locator(EDITOR)).to_contain_text("half a thought", timeout=PATIENCE)
    expect(page.locator('.tab:has-text("README.md")')).to_be_visible(timeout=PATIENCE)
    expect(meter(page)).to_contain_text("1 file at risk", timeout=PATIENCE)
    look(page, "elsewhere")
    assert "half a thought" not in (machine.worktree / "train.py").read_text()
    page.click(EDITOR)
    page.keyboard.press("Control+s")
    assert eventually(lambda: (machine.worktree / "train.py").read_text().startswith("# half a thought"))


def kept_buffers(vault: Path) -> Iterator[str]:
    """What the vault's saved settings hold of unsaved buffers, oldest first."""
    for packed in sorted(vault.rglob("editor/*.tar.zst")):
        with zstandard.open(packed) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                if member.name.endswith("open-editors.json") and (content := tar.extractfile(member)):
                    yield content.read().decode()


def test_what_was_killed_is_back_and_the_guest_stays(machine: Machine, browser: Browser) -> None:
    opened = open_editor(machine)
    page = visit(browser, link_of(opened))
    victims = server_pids(machine)
    assert victims
    processes.send(signal.SIGKILL, victims)
    assert eventually(lambda: not set(server_pids(machine)) & set(victims))
    agent = machine.json("status")["agent"]["pid"]
    page.wait_for_function("performance.getEntriesByType('navigation')[0].type === 'reload'")
    page.wait_for_selector(TREE)

    processes.send(signal.SIGKILL, [agent])
    assert eventually(lambda: seen_editor(machine) == {"url": bare(link_of(opened)), "healthy": True})
    page.reload()
    page.wait_for_selector(TREE)
    look(page, "after the agent was killed")


def seen_editor(machine: Machine) -> object:
    """What `status` says of the editor; None while the agent is away."""
    done = machine.gitsession("status", "--json", check=False)
    return None if done.code else json.loads(done.stdout.splitlines()[-1])["editor"]


def bare(link: str) -> str:
    return link.partition("/#")[0]
