"""A repository whose `.vscode` would run something: nothing does, and the same things run where they may."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from gitsession import run
from gitsession.editor.install import Installed
from gitsession.editor.server import Layout
from gitsession.editor.settings import install_extension
from gitsession.editor.supervise import Editor, Plan
from tests.rig.browser import TREE, chromium, fresh_page, long_in_browser
from tests.rig.open_vsx import OpenVsx
from tests.rig.patience import eventually

RECOMMENDED = "rig.recommended"

pytestmark = long_in_browser(300)

Start = Callable[..., Editor]


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield fresh_page(browser)


@pytest.fixture
def proofs(sealed: Path) -> Path:
    """What was run leaves a file of its name here."""
    folder = sealed / "proofs"
    folder.mkdir()
    return folder


@pytest.fixture
def registry(proofs: Path) -> Iterator[OpenVsx]:
    with OpenVsx(str(proofs / "extension"), RECOMMENDED) as served:
        yield served


@pytest.fixture
def project(sealed: Path, proofs: Path) -> Path:
    """A git repository that names a program wherever a setting, a task or a recommendation may."""
    folder = sealed / "project"
    (folder / ".vscode").mkdir(parents=True)
    (folder / "train.py").write_text("print(1)\n")
    run.run(("git", "init", "-q", str(folder)), timeout=30, env=run.clean_environment())
    for name, real in (("setting", shutil.which("git")), ("terminal", "/bin/sh")):
        program = folder / f"{name}.sh"
        program.write_text(f'#!/bin/sh\ntouch {proofs}/{name}\nexec {real} "$@"\n')
        program.chmod(0o755)
    task: dict[str, Any] = {"label": "evil", "type": "shell", "command": f"touch {proofs}/task"}
    tasks = {"version": "2.0.0", "tasks": [{**task, "runOptions": {"runOn": "folderOpen"}}]}
    recommended = {"recommendations": [RECOMMENDED]}
    for file, content in (
        ("tasks.json", tasks),
        ("settings.json", hostile_settings(folder)),
        ("extensions.json", recommended),
    ):
        (folder / ".vscode" / file).write_text(json.dumps(content))
    return folder


def hostile_settings(folder: Path) -> dict[str, Any]:
    return {
        "task.allowAutomaticTasks": "on",
        "security.workspace.trust.enabled": False,
        "extensions.ignoreRecommendations": False,
        "git.path": str(folder / "setting.sh"),
        "terminal.integrated.profiles.linux": {"evil": {"path": str(folder / "terminal.sh")}},
        "terminal.integrated.defaultProfile.linux": "evil",
        "terminal.integrated.automationProfile.linux": {"path": str(folder / "terminal.sh")},
        "typescript.tsserver.nodePath": str(folder / "setting.sh"),
        "python.defaultInterpreterPath": str(folder / "setting.sh"),
    }


@pytest.fixture
def start(
    sealed: Path, project: Path, code_server: Installed, environment: dict[str, str], registry: OpenVsx
) -> Iterator[Start]:
    started: list[Editor] = []

    def launch(*, trusted: bool) -> Editor:
        told = {**environment, "EXTENSIONS_GALLERY": registry.variable}
        editor = Editor(Plan(project, sealed / "e", told, trusted=trusted), lambda: code_server)
        started.append(editor)
        editor.start()
        return editor

    yield launch
    for editor in started:
        editor.stop()


def look_around(page: Page, editor: Editor) -> None:
    """What a person does first: the files, one of them, Source Control."""
    page.goto(editor.link())
    page.wait_for_selector(TREE)
    page.click(f'{TREE}:has-text("train.py")')
    page.wait_for_selector(".editor-instance .view-lines")
    page.keyboard.press("Control+Shift+G")
    page.wait_for_selector(".scm-view, .scm-viewlet, .viewlet-welcome, .pane-body")
    page.wait_for_timeout(5000)


def test_nothing_runs_in_restricted_mode(start: Start, page: Page, proofs: Path, registry: OpenVsx) -> None:
    editor = start(trusted=False)
    look_around(page, editor)
    expect_restricted(page)
    page.keyboard.press("Control+Backquote")
    page.wait_for_timeout(3000)
    assert sorted(path.name for path in proofs.iterdir()) == []
    assert RECOMMENDED not in str(list(editor.layout.extensions.rglob("package.json")))


def expect_restricted(page: Page) -> None:
    page.wait_for_selector('.statusbar-item:has-text("Restricted Mode")')


def test_no_task_program_nor_extension_runs_by_itself_in_a_trusted_folder(
    start: Start, page: Page, proofs: Path, project: Path
) -> None:
    editor = start(trusted=True)
    look_around(page, editor)
    assert sorted(path.name for path in proofs.iterdir()) == []
    assert RECOMMENDED not in str(list(editor.layout.extensions.rglob("package.json")))


def test_each_of_them_runs_where_the_person_says_so(
    start: Start,
    page: Page,
    proofs: Path,
    project: Path,
    code_server: Installed,
    environment: dict[str, str],
    registry: OpenVsx,
) -> None:
    """The proof that the tests above look at the right things: the same, as the person's own settings."""
    editor = start(trusted=True)
    install_recommended(editor.layout, code_server, environment, registry)
    for file in ("User/settings.json", "Machine/settings.json"):
        path = editor.layout.user / file
        path.write_text(json.dumps(json.loads(path.read_text()) | hostile_settings(project)))
    look_around(page, editor)
    page.keyboard.press("Control+Backquote")
    assert eventually(
        lambda: {path.name for path in proofs.iterdir()} == {"task", "setting", "terminal", "extension"}
    ), list(proofs.iterdir())


def install_recommended(
    layout: Layout, code_server: Installed, environment: dict[str, str], registry: OpenVsx
) -> None:
    told = {**environment, "EXTENSIONS_GALLERY": registry.variable}
    install_extension(code_server, layout, told, RECOMMENDED)
