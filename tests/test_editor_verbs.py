"""What the editor offers besides editing: a review, the end of a session, and a stranger's repository."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from gitsession import run
from tests.editor.person import browser as browser
from tests.editor.person import code_server as code_server
from tests.editor.person import command, link_of, look, meter, open_editor, run_in_terminal, visit
from tests.editor.person import machine as machine
from tests.rig.browser import PATIENCE, long_in_browser
from tests.rig.forge import GRACE_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.patience import eventually
from tests.spine import Machine

pytestmark = long_in_browser(300)


def finish_by_command(page: Page) -> None:
    command(page, "Finish the Session")
    page.locator('.monaco-dialog-box .monaco-button:has-text("Finish")').click()


def finish_in_terminal(page: Page) -> None:
    run_in_terminal(page, shlex.join([*run.program(), "finish"]))


@pytest.mark.parametrize("finish", [finish_by_command, finish_in_terminal])
def test_a_review_and_the_end_of_the_session(
    machine: Machine, browser: Browser, git_server: GitServer, finish: Callable[[Page], None]
) -> None:
    hosted = git_server.forge.repository()
    opened = open_editor(machine)
    page = visit(browser, link_of(opened))
    expect(meter(page)).to_contain_text("all safe", timeout=PATIENCE)
    (machine.worktree / "train.py").write_text("print('a smaller rate')\n")
    command(page, "Open a Pull Request for Review")
    told = page.locator(".notification-toast")
    expect(told.filter(has_text="The pull request is ready to look at")).to_be_visible(timeout=PATIENCE)
    assert [pull.state for pull in hosted.pulls.values()] == ["open"]

    finish(page)
    assert eventually(lambda: machine.runtime.processes() == [])
    assert list(hosted.refs("refs/gitsession")) == []
    assert list(hosted.refs("refs/gitsession-done")) == [f"refs/gitsession-done/ada/{opened['session']}"]
    assert [each["finished"] for each in machine.json("list", machine.repo)] == [True]


def test_a_strangers_repository_is_restricted_until_the_person_consents(
    machine: Machine, browser: Browser
) -> None:
    machine.runtime.extra["GITHUB_TOKEN"] = GRACE_TOKEN
    page = visit(browser, link_of(open_editor(machine)))
    page.wait_for_selector('.statusbar-item:has-text("Restricted Mode")')
    expect(meter(page)).to_contain_text("all safe", timeout=PATIENCE)
    page.keyboard.press("Control+Shift+G")
    page.get_by_role("button", name="Manage Workspace Trust").click()
    page.locator('.workspace-trust-editor .monaco-button:text-is("Trust")').first.click()
    page.wait_for_selector(".scm-view .scm-editor")
    expect(page.locator('.statusbar-item:has-text("Restricted Mode")')).to_have_count(0)
    look(page, "trusted")
