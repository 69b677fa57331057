"""The editor of a session as a person meets it: the real code-server in Chromium, on a machine that dies."""

from __future__ import annotations

import json
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from playwright.sync_api import Browser, expect

from tests.editor.person import browser as browser
from tests.editor.person import code_server as code_server
from tests.editor.person import (
    commit_and_sync,
    link_of,
    look,
    meter,
    open_editor,
    open_file,
    run_in_terminal,
    set_by_hand,
    type_at_start,
    user_folder,
    visit,
)
from tests.editor.person import machine as machine
from tests.rig import processes
from tests.rig.browser import EDITOR, PATIENCE, TREE, long_in_browser
from tests.rig.git_server import GitServer
from tests.rig.patience import eventually
from tests.spine import Machine

pytestmark = long_in_browser(300)


def server_pids(machine: Machine) -> list[int]:
    """code-server's own processes: those with our socket on their command line."""
    return [seen.pid for seen in machine.runtime.processes() if "--socket=" in seen.arguments]


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
    machine: Machine, browser: Browser, capsys: pytest.CaptureFixture[str]
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

    capsys.readouterr()
    again = open_editor(machine)
    assert again["session"] == opened["session"]
    assert "came back from the vault without python.defaultInterpreterPath: " in capsys.readouterr().err
    own = json.loads((user_folder(machine) / "settings.json").read_text())
    assert (own["editor.fontSize"], own["files.autoSave"]) == (21, "off")
    assert "python.defaultInterpreterPath" not in own
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
