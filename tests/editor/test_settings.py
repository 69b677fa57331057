from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from gitsession.editor import archive, settings
from gitsession.editor.install import Installed
from gitsession.editor.server import Layout
from gitsession.errors import EditorError, FormatError


@pytest.fixture
def layout(sealed: Path) -> Layout:
    made = Layout(sealed / "e")
    made.create()
    return made


def user(layout: Layout) -> dict[str, object]:
    return dict(json.loads((layout.user / "User/settings.json").read_text()))


def test_defaults_fill_only_what_the_user_has_not_set(layout: Layout) -> None:
    folder = layout.user / "User"
    folder.mkdir()
    (folder / "settings.json").write_text('{"files.autoSave": "off", "editor.fontSize": 20}')
    settings.write_defaults(layout.user, {"editor.fontSize": 10, "editor.tabSize": 2})
    written = user(layout)
    assert (written["files.autoSave"], written["editor.fontSize"], written["editor.tabSize"]) == (
        "off",
        20,
        2,
    )
    assert written["telemetry.telemetryLevel"] == "off"


@pytest.mark.parametrize(("own", "follows"), [({}, True), ({"workbench.colorTheme": "Monokai"}, None)])
def test_light_and_dark_follow_the_system_unless_a_theme_was_chosen(
    layout: Layout, own: dict[str, str], follows: bool | None
) -> None:
    (layout.user / "User").mkdir()
    (layout.user / "User/settings.json").write_text(json.dumps(own))
    settings.write_defaults(layout.user, {})
    assert user(layout).get("window.autoDetectColorScheme") is follows


def test_automatic_tasks_stay_off_whatever_was_saved(layout: Layout) -> None:
    (layout.user / "User").mkdir()
    (layout.user / "User/settings.json").write_text('{"task.allowAutomaticTasks": "on"}')
    settings.write_defaults(layout.user, {"task.allowAutomaticTasks": "on"})
    assert user(layout)["task.allowAutomaticTasks"] == "off"


def test_settings_with_comments_are_left_as_they_are(layout: Layout) -> None:
    text = '{\n  // mine\n  "editor.fontSize": 20\n}\n'
    (layout.user / "User").mkdir()
    (layout.user / "User/settings.json").write_text(text)
    settings.write_defaults(layout.user, {})
    assert (layout.user / "User/settings.json").read_text() == text
    machine = json.loads((layout.user / "Machine/settings.json").read_text())
    assert machine == {"task.allowAutomaticTasks": "off"}


def test_what_is_the_users_follows_them_and_secrets_do_not(layout: Layout, sealed: Path) -> None:
    folder = layout.user / "User"
    (folder / "snippets").mkdir(parents=True)
    (folder / "globalStorage").mkdir()
    (folder / "settings.json").write_text('{"editor.fontSize": 20}')
    (folder / "keybindings.json").write_text("[]")
    (folder / "snippets/python.json").write_text("{}")
    (folder / "globalStorage/state.vscdb").write_text("secret-token")
    (folder / "snippets/link.json").symlink_to("/etc/passwd")
    (layout.extensions / "extensions.json").write_text(
        json.dumps([{"identifier": {"id": "Ms-Python.python"}}, {"identifier": {"id": "--install-evil.x"}}])
    )
    digest = settings.save(layout, sealed / "saved", {"editors": ["train.py"]})
    fresh = Layout(sealed / "f")
    fresh.create()
    back = settings.restore(fresh, sealed / "saved", digest)
    assert back == settings.Restored(("ms-python.python",), {"editors": ["train.py"]})
    brought = {str(path.relative_to(fresh.user)) for path in fresh.user.rglob("*") if path.is_file()}
    assert brought == {"User/settings.json", "User/keybindings.json", "User/snippets/python.json"}


def test_what_is_here_wins_over_what_was_saved(layout: Layout, sealed: Path) -> None:
    (layout.user / "User").mkdir()
    (layout.user / "User/settings.json").write_text('{"a": 1}')
    digest = settings.save(layout, sealed / "saved")
    (layout.user / "User/settings.json").write_text('{"a": 2}')
    settings.restore(layout, sealed / "saved", digest)
    assert user(layout) == {"a": 2}


def test_equal_settings_are_saved_alike(layout: Layout, sealed: Path) -> None:
    settings.write_defaults(layout.user, {})
    assert settings.save(layout, sealed / "one") == settings.save(layout, sealed / "two")


def test_a_saved_file_that_was_changed_is_refused(layout: Layout, sealed: Path) -> None:
    (sealed / "x").mkdir()
    archive.pack(sealed / "x", sealed / "saved")
    with pytest.raises(FormatError):
        settings.restore(layout, sealed / "saved", "0" * 64)


@pytest.mark.parametrize("name", ["--force", "nodot", "../evil.vsix", "", "a.b c", "http://x/y.vsix"])
def test_what_is_no_extension_is_refused(layout: Layout, name: str) -> None:
    nowhere = Installed(Path("/nonexistent"), Path("/nonexistent"), Path("/nonexistent"), "")
    with pytest.raises(EditorError, match="is no extension"):
        settings.install_extension(nowhere, layout, {}, name)


@pytest.mark.slow
@pytest.mark.browser
def test_a_vsix_is_installed_and_listed(
    layout: Layout, sealed: Path, code_server: Installed, environment: dict[str, str]
) -> None:
    manifest = {
        "name": "hello",
        "publisher": "gitsession-test",
        "version": "0.0.1",
        "engines": {"vscode": "^1.60.0"},
        "contributes": {},
    }
    with zipfile.ZipFile(sealed / "hello.vsix", "w") as vsix:
        vsix.writestr("extension/package.json", json.dumps(manifest))
    settings.install_extension(code_server, layout, environment, str(sealed / "hello.vsix"))
    assert settings.installed_extensions(layout) == ("gitsession-test.hello",)
    with pytest.raises(EditorError, match="was not installed"):
        (sealed / "broken.vsix").write_text("no zip")
        settings.install_extension(code_server, layout, environment, str(sealed / "broken.vsix"))
