"""The way to the editor from a notebook in the real JupyterLab, in Chromium: a click, and nothing to copy."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gitsession.editor.install import Installed
from tests.editor.conftest import code_server as code_server
from tests.editor.person import look
from tests.notebook.conftest import cell as code_cell
from tests.notebook.conftest import notebook_of, opening
from tests.rig.browser import PATIENCE, TREE, chromium, fresh_page, long_in_browser
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime

pytest.importorskip("jupyterlab")
pytestmark = long_in_browser(300)

TOKEN = "a-token-of-jupyter"
LOOKS = """section => [...section.querySelectorAll("*:not(style)")].map(element => {
  const [outer, own] = [section, element].map(each => each.getBoundingClientRect());
  const {color, backgroundColor, textDecorationLine} = getComputedStyle(element);
  const place = [own.x - outer.x, own.y - outer.y, own.width, own.height].map(Math.round).join(" ");
  return `${element.tagName} ${element.className} ${place} ${color} ${backgroundColor} ${textDecorationLine}`;
})"""


@pytest.fixture
def lab(runtime: Runtime, code_server: Installed, sealed: Path) -> Iterator[str]:
    """A JupyterLab that the person runs themselves, on a machine that has code-server."""
    runtime.extra["XDG_CACHE_HOME"] = str(sealed / "cache")
    (sealed / "cache/gitsession").mkdir(parents=True)
    (sealed / "cache/gitsession/editor").symlink_to(code_server.directory.parent)
    files = runtime.home / "jupyter"
    arguments = ("--no-browser", "--allow-root", "--ServerApp.port=0", f"--IdentityProvider.token={TOKEN}")
    where = {"JUPYTER_RUNTIME_DIR": str(files), "JUPYTER_CONFIG_DIR": str(files / "config")}
    quiet = ("--LabApp.news_url=None", f"--ServerApp.root_dir={runtime.work}")
    process = runtime.start(sys.executable, "-m", "jupyterlab", *arguments, *quiet, env=where)
    assert eventually(lambda: any(files.glob("jpserver-*.json")))
    said: dict[str, Any] = json.loads(next(files.glob("jpserver-*.json")).read_text())
    yield str(said["url"])
    runtime.kill()
    process.wait()


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield fresh_page(browser)


def test_a_click_below_the_card_opens_the_editor_and_no_ticket_is_saved(
    lab: str, page: Page, runtime: Runtime, sample_repository: Path
) -> None:
    given = opening(sample_repository, runtime, editor="auto", progress=False)
    (runtime.work / "explore.ipynb").write_text(json.dumps(notebook_of(code_cell(given))))
    page.goto(f"{lab}lab/tree/explore.ipynb?token={TOKEN}")
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    button = page.get_by_role("button", name="Open the editor", exact=True)
    expect(button).to_be_visible(timeout=PATIENCE)
    expect(page.locator("section .pill")).to_have_text("all safe", timeout=PATIENCE)
    look(page, "jupyter")
    assert looks_as_it_does_alone(page)
    with page.expect_popup() as opened:
        button.click()
    opened.value.wait_for_selector(TREE)
    assert "ticket" not in opened.value.url

    page.locator(".jp-Notebook .cm-content").last.click()
    page.keyboard.type("import time; time.sleep(30)")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-Cell").nth(1)).to_contain_text("[*]", timeout=PATIENCE)
    button.click()
    expect(page.get_by_role("status").filter(has_text="No link came")).to_be_visible(timeout=PATIENCE)
    assert len(page.context.pages) == 2

    page.keyboard.press("Control+s")
    saved = runtime.work / "explore.ipynb"
    assert eventually(lambda: "Open the editor" in saved.read_text())
    assert "ticket=" not in saved.read_text()


def looks_as_it_does_alone(page: Page) -> bool:
    """Whether no rule of JupyterLab's reaches into the card."""
    section = page.locator("section.gitsession-card")
    assert page.context.browser is not None
    bare = page.context.browser.new_page()
    bare.set_content(section.evaluate("section => section.outerHTML"))
    alone = bare.locator("section").evaluate(LOOKS)
    bare.close()
    assert section.evaluate(LOOKS) == alone
    return True
