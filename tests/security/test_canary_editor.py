"""The token is nowhere in what the editor keeps, neither on the machine nor in a real Chromium's profile."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, Playwright, expect, sync_playwright

from tests.editor.person import code_server as code_server
from tests.editor.person import (
    commit_and_sync,
    link_of,
    meter,
    open_editor,
    open_file,
    run_in_terminal,
    set_by_hand,
    type_at_start,
    user_folder,
)
from tests.editor.person import machine as machine
from tests.rig.browser import CHROMIUM, FLAGS, PATIENCE, TREE, long_in_browser
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.patience import eventually
from tests.security.canary import Canary
from tests.spine import Machine

pytestmark = long_in_browser(300)

TOKEN = Canary(ADA_TOKEN)
STORED = """async () => {
  const settled = request => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const found = {local: {...localStorage}, session: {...sessionStorage}, databases: []};
  for (const {name} of await indexedDB.databases()) {
    const database = await settled(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const rows = database.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([settled(rows.getAllKeys()), settled(rows.getAll())]);
      const text = values.map(v => v instanceof Uint8Array ? new TextDecoder().decode(v) : v);
      found.databases.push({name, store, keys, text});
    }
    database.close();
  }
  return JSON.stringify(found);
}"""
PLANT = """async secret => {
  const request = indexedDB.open("planted", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("s").put(btoa("-" + secret), "k");
  await new Promise(resolve => request.onsuccess = resolve);
  request.result.close();
}"""


def opened_again(playwright: Playwright, profile: Path) -> BrowserContext:
    """A Chromium whose storage lasts."""
    size = {"width": 1280, "height": 800}
    launch = playwright.chromium.launch_persistent_context
    return launch(profile, executable_path=CHROMIUM, args=list(FLAGS), viewport=size)  # type: ignore[arg-type]


def stored(page: Page, context: BrowserContext) -> bytes:
    """Local and session storage, every IndexedDB database and every cookie that the page has."""
    shown: str = page.evaluate(STORED)
    return (shown + json.dumps(context.cookies())).encode()


def work(page: Page, git_server: GitServer) -> None:
    """Type and save, commit and sync, and push from the terminal: the token is asked for by git each time."""
    hosted = git_server.forge.repository()
    page.set_default_timeout(PATIENCE)
    expect(meter(page)).to_contain_text("safe", timeout=PATIENCE)
    open_file(page, "train.py")
    type_at_start(page, "# typed in the editor\n")
    expect(meter(page)).to_contain_text("1 file at risk", timeout=PATIENCE)
    page.keyboard.press("Control+s")
    expect(meter(page)).to_contain_text("all safe", timeout=PATIENCE)
    commit_and_sync(page, "From the Source Control view")
    assert eventually(lambda: "Source Control view" in hosted.git("log", "-1", "--format=%s", "main"))
    run_in_terminal(page, "git commit --allow-empty -qm 'From the terminal' && git push -q")
    assert eventually(lambda: "From the terminal" in hosted.git("log", "-1", "--format=%s", "main"))


def test_neither_the_editor_nor_the_browser_keeps_the_token(
    machine: Machine, git_server: GitServer, sealed: Path
) -> None:
    opened = open_editor(machine)
    set_by_hand(machine)
    profile, kept = sealed / "profile", user_folder(machine).parent
    with sync_playwright() as playwright:
        context = opened_again(playwright, profile)
        page = context.new_page()
        page.goto(link_of(opened))
        page.wait_for_selector(TREE)
        work(page, git_server)
        shown = stored(page, context)
        assert b"vscode-web-db" in shown and TOKEN.found(shown) is None
        context.close()
        assert TOKEN.files(kept, profile, sealed, machine.runtime.root) == []

        context = opened_again(playwright, profile)
        page = context.new_page()
        page.goto(link_of(opened).partition("/#")[0])
        page.evaluate(PLANT, ADA_TOKEN)
        assert TOKEN.found(stored(page, context)) == "base64"
        context.close()
        assert TOKEN.files(profile)
