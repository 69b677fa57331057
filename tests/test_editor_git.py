"""Git in the session's editor: pull, sync and clone in Source Control and the terminal, with no question."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.editor.person import browser as browser
from tests.editor.person import code_server as code_server
from tests.editor.person import (
    commit_and_sync,
    link_of,
    look,
    meter,
    open_editor,
    run_in_terminal,
    set_by_hand,
    visit,
)
from tests.editor.person import machine as machine
from tests.rig.browser import PATIENCE, long_in_browser
from tests.rig.forge import Hosted
from tests.rig.git_server import GitServer
from tests.rig.patience import eventually
from tests.rig.repositories import git
from tests.spine import Machine

pytestmark = long_in_browser(300)

QUESTION = ".quick-input-widget:not([style*='display: none']), .monaco-dialog-box"


@pytest.fixture
def page(machine: Machine, browser: Browser) -> Page:
    """The editor's page, where git may ask whatever it wishes."""
    machine.runtime.extra["GIT_TERMINAL_PROMPT"] = "1"
    opened = open_editor(machine)
    set_by_hand(machine)
    page = visit(browser, link_of(opened))
    expect(meter(page)).to_contain_text("all safe", timeout=PATIENCE)
    page.keyboard.press("Control+Shift+G")
    page.wait_for_selector(".scm-view .scm-editor")
    return page


def teammate_pushes(hosted: Hosted, place: Path, content: str) -> None:
    """Somebody else's commit on `main`."""
    if not place.exists():
        git(place.parent, "clone", "-q", str(hosted.path), str(place))
    git(place, "pull", "-q")
    (place / "theirs.txt").write_text(content)
    git(place, "add", ".")
    git(place, "commit", "-qm", f"Theirs: {content}")
    git(place, "push", "-q", "origin", "main")


def choose(page: Page, name: str) -> None:
    """One line of the menu of Source Control."""
    page.hover(".scm-view .scm-editor")
    page.locator('.pane-header:has-text("Changes") [aria-label="More Actions..."]').click()
    page.locator(f'.context-view .action-label:text-is("{name}")').click()


def test_pull_and_sync_beside_a_teammate(
    machine: Machine, page: Page, git_server: GitServer, sealed: Path
) -> None:
    hosted, theirs = git_server.forge.repository(), machine.worktree / "theirs.txt"
    teammate_pushes(hosted, sealed / "grace", "first")
    choose(page, "Pull")
    assert eventually(theirs.exists)
    look(page, "pulled")

    teammate_pushes(hosted, sealed / "grace", "second")
    (machine.worktree / "mine.txt").write_text("mine\n")
    page.wait_for_selector('.scm-view :text("mine.txt")')
    commit_and_sync(page, "Mine, meanwhile")
    assert eventually(lambda: "mine.txt" in hosted.git("ls-tree", "--name-only", "main"))
    assert theirs.read_text() == hosted.read("main", "theirs.txt") == "second"
    assert len(hosted.git("log", "-1", "--format=%P", "main").split()) == 2
    look(page, "synced")

    teammate_pushes(hosted, sealed / "grace", "third")
    run_in_terminal(page, "git pull -q && git commit --allow-empty -qm 'From the terminal' && git push -q")
    assert eventually(lambda: hosted.git("log", "-1", "--format=%s", "main").strip() == "From the terminal")
    assert theirs.read_text() == "third"
    expect(page.locator(QUESTION)).to_have_count(0)
    look(page, "terminal")


def clone(page: Page, url: str, beside: Path) -> None:
    """What a person does: Clone, an address, the folder to put it in."""
    choose(page, "Clone")
    box = page.locator(".quick-input-widget input:visible")
    box.fill(url)
    page.locator(f'.quick-input-list .monaco-list-row:has-text("Clone from URL{url}")').click()
    page.wait_for_selector('.quick-input-widget .monaco-button:has-text("Select as Repository Destination")')
    box.fill(f"{beside}/")
    page.locator('.quick-input-widget .monaco-button:has-text("Select as Repository Destination")').click()


def test_clones_get_our_token_for_the_opened_repository_only(
    machine: Machine, page: Page, git_server: GitServer
) -> None:
    forge, work = git_server.forge, machine.runtime.work
    for owner, name, private in (("grace", "shown", False), ("grace", "secret", True), ("ada", "own", True)):
        forge.add_repository(owner, name, source=forge.repository().path, private=private)
    run_in_terminal(page, f"git clone -q {git_server.url('ada/digits')} ../again")
    assert eventually((work / "again/train.py").exists)

    clone(page, git_server.url("grace/shown"), work)
    page.wait_for_selector('.monaco-dialog-box:has-text("Would you like to open the repository")')
    page.keyboard.press("Escape")
    assert (work / "shown/train.py").exists()
    for refused in "grace/secret", "ada/own":
        clone(page, git_server.url(refused), work)
        for question in "Username", "Password":
            page.locator(f".quick-input-widget input[placeholder='{question}']:visible").press("Escape")
        told = page.locator('.monaco-dialog-box:has-text("Failed to authenticate to git remote")')
        expect(told).to_contain_text(refused, timeout=PATIENCE)
        look(page, f"no clone of {refused.replace('/', ' ')}")
        page.keyboard.press("Escape")
    sent = {request.path.removeprefix("/ada/digits")[:5] for request in git_server.requests if request.token}
    assert sent == {".git/", "/info", "/git-"}
