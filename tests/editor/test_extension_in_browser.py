"""The extension in the real code-server, in Chromium, on a session that really runs."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gitsession.agent.editing import OPEN_EDITORS
from gitsession.editor import own_extension
from gitsession.editor.install import Installed
from gitsession.editor.supervise import Editor, Plan
from gitsession.status import Deadline
from tests.agent.conftest import Running, prepared, running, wait_for
from tests.editor.person import command, meter, open_file
from tests.rig.browser import EDITOR, PATIENCE, chromium, fresh_page, long_in_browser

__all__ = ["prepared", "running"]  # pytest finds them here


pytestmark = long_in_browser(600)

Start = Callable[[Running], Editor]


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield fresh_page(browser)


@pytest.fixture
def start(sealed: Path, code_server: Installed, environment: dict[str, str]) -> Iterator[Start]:
    started: list[Editor] = []

    def launch(session: Running) -> Editor:
        told = {**environment, "GITSESSION_AGENT_SOCKET": str(session.places.agent_socket)}
        plan = Plan(session.tree, sealed / "e", told, settings={"files.autoSave": "off"})
        editor = Editor(plan, lambda: code_server)
        started.append(editor)
        editor.layout.create()
        assert own_extension.place(editor.layout) == ()
        editor.start()
        return editor

    yield launch
    for editor in started:
        editor.stop()


def pick(page: Page, text: str) -> None:
    page.locator(".quick-input-widget input").fill(text)
    page.locator(f'.quick-input-list .monaco-list-row:has-text("{text}")').first.click()


def test_the_meter_tells_of_an_edit_until_it_is_safe(running: Running, start: Start, page: Page) -> None:
    page.goto(start(running).link())
    page.wait_for_selector('.statusbar-item:has-text("Restricted Mode")')
    expect(meter(page)).to_contain_text("all safe", timeout=PATIENCE)
    open_file(page, "one.txt")
    page.click(EDITOR)
    page.keyboard.press("Control+Home")
    page.keyboard.type("typed ")
    expect(meter(page)).to_contain_text("1 file at risk", timeout=PATIENCE)
    assert running.status()["unsaved"] == ["one.txt"]
    page.keyboard.press("Control+s")
    expect(meter(page)).to_contain_text("all safe", timeout=PATIENCE)
    assert running.at_remote("one.txt") == "typed one"
    before = running.agent_pid()
    assert before is not None
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: running.agent_pid() not in (None, before), "another agent")
    page.keyboard.type("again ")
    expect(meter(page)).to_contain_text("1 file at risk", timeout=PATIENCE)
    page.keyboard.press("Control+s")
    expect(meter(page)).to_contain_text("all safe", timeout=PATIENCE)


def test_any_version_is_compared_restored_and_the_restore_undone(
    running: Running, start: Start, page: Page
) -> None:
    for save in range(2, 13):
        running.write("one.txt", f"save {save}\n")
        assert running.flush("local") == []
    page.goto(start(running).link())
    expect(meter(page)).to_contain_text("all safe", timeout=PATIENCE)
    open_file(page, "one.txt")
    command(page, "Compare with a Snapshot")
    pick(page, "snapshot 2 ·")
    expect(page.locator(".monaco-diff-editor .editor.original")).to_contain_text("save 2", timeout=PATIENCE)
    expect(page.locator(".monaco-diff-editor .editor.modified")).to_contain_text("save 12")
    command(page, "Restore This File")
    pick(page, "snapshot 2 ·")
    page.locator('.monaco-dialog-box .monaco-button:has-text("Restore")').click()
    wait_for(lambda: (running.tree / "one.txt").read_text() == "save 2\n", "the restored file")
    page.locator('.notification-toast .monaco-button:has-text("Undo")').click()
    wait_for(lambda: (running.tree / "one.txt").read_text() == "save 12\n", "the undone restore")
    command(page, "Restore Everything from a Snapshot")
    pick(page, "snapshot 1 ·")
    page.locator('.monaco-dialog-box .monaco-button:has-text("Restore")').click()
    wait_for(lambda: (running.tree / "one.txt").read_text() == "one\n", "the restored tree")
    command(page, "Undo Restore")
    wait_for(lambda: (running.tree / "one.txt").read_text() == "save 12\n", "the undone restore")


def test_the_panel_shows_hostile_names_as_they_are(running: Running, start: Start, page: Page) -> None:
    name = "[click](command:workbench.action.quit) $(alert) <b>x</b>.txt"
    running.write(name, "hostile")
    assert running.flush() == []
    page.goto(start(running).link())
    page.locator('.activitybar [aria-label^="gitsession"]').first.click()
    timeline = page.locator('.pane:has-text("Snapshots") .monaco-list-row')
    timeline.first.click()
    shown = page.locator('.monaco-list-row:has-text("[click] (command:workbench.action.quit) $ (alert)")')
    expect(shown.first).to_be_visible(timeout=PATIENCE)
    assert page.locator(".monaco-list-row b, .monaco-list-row a[href^=command]").count() == 0


def test_what_another_machine_had_open_and_unsaved_is_back(
    prepared: Running, start: Start, page: Page
) -> None:
    digest = sha256(b"one\n").hexdigest()
    unsaved = {"path": "one.txt", "content": "half a thought", "base": digest, "language": "plaintext"}
    earlier = {"runtime": "r0", "tabs": ["src/two.txt", "one.txt", "../outside"], "unsaved": [unsaved]}
    prepared.places.create()
    (prepared.places.directory / OPEN_EDITORS).write_text(json.dumps(earlier))
    prepared.launch()
    page.goto(start(prepared).link())
    expect(page.locator(EDITOR)).to_contain_text("half a thought", timeout=PATIENCE)
    expect(page.locator(".tabs-container .tab")).to_have_count(2)
    expect(meter(page)).to_contain_text("1 file at risk", timeout=PATIENCE)
    assert (prepared.tree / "one.txt").read_text() == "one\n"


def test_a_narrow_panel_tells_the_whole_to_a_finger(running: Running, start: Start) -> None:
    link = start(running).link()
    with chromium() as browser:
        screen = {"width": 390, "height": 844}
        context = browser.new_context(viewport=screen, color_scheme="dark", has_touch=True)  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(link)
        meter(page).tap()
        page.locator('.pane:has-text("Places") .monaco-list-row:has-text("Remote")').tap()
        expect(page.locator(".notification-toast")).to_contain_text(
            re.compile(r"Remote: snapshot \d+ · safe"), timeout=PATIENCE
        )
        expect(page.locator(".monaco-workbench.vs-dark")).to_have_count(1)


def test_the_machines_end_is_warned_of_and_a_click_saves_everything(
    prepared: Running, start: Start, page: Page
) -> None:
    end = Deadline(time.time() + 600, estimate=True)
    prepared.configuration = replace(prepared.configuration, deadline=end)
    prepared.launch()
    page.goto(start(prepared).link())
    warning = page.locator('.notification-toast:has-text("This machine is expected to end in about")')
    said = re.compile(r"about \d+ min\. (Everything|Not everything|\d+ file)")
    expect(warning).to_contain_text(said, timeout=PATIENCE)
    expect(meter(page)).to_contain_text(re.compile(r"about \d+ min left"), timeout=PATIENCE)
    prepared.write("late.txt", "late\n")
    warning.locator('.monaco-button:has-text("Save Everything Now")').click()
    done = page.locator(".notification-toast").filter(has_text="Everything is saved in every place")
    expect(done).to_be_visible(timeout=PATIENCE)
    assert prepared.at_remote("late.txt") == "late"
