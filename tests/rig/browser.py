"""The real Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
PATIENCE = 120_000  # milliseconds that a page may take on a busy machine
TREE = ".explorer-folders-view .monaco-list-row"
EDITOR = ".editor-instance .view-lines"

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


def long_in_browser(seconds: int) -> list[pytest.MarkDecorator]:
    """The `pytestmark` of a module whose tests take minutes each, and so many seconds at most."""
    return [
        pytest.mark.long,
        pytest.mark.browser,
        pytest.mark.slow,
        pytest.mark.timeout(seconds),
        needs_chromium,
    ]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own; it ends with the context."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


def fresh_page(browser: Browser) -> Page:
    """A page without cookies, as large as a laptop's."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(PATIENCE)
    return page
