"""What of the editor is the user's: settings, keybindings, snippets, extensions, and which editors were open.

Defaults of ours fill only what the user has not set. Nothing secret is ever saved: VS Code keeps secrets in
the browser and in `User/globalStorage`, and neither is among `SAVED`.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gitsession import run
from gitsession.editor import archive
from gitsession.editor.carried import harmless
from gitsession.editor.install import Installed
from gitsession.editor.server import Layout, private_environment
from gitsession.errors import EditorError
from gitsession.files import make_directory, write_atomically

DEFAULTS: Mapping[str, object] = MappingProxyType(
    {
        "chat.disableAIFeatures": True,
        "extensions.autoUpdate": False,  # a machine that disappears would update anew each time
        "extensions.ignoreRecommendations": True,  # a repository recommends them, not the user
        "files.autoSave": "afterDelay",  # the machine may vanish between two saves
        "files.autoSaveDelay": 2000,
        "git.autofetch": False,
        "git.confirmSync": False,
        "git.enableSmartCommit": True,
        "notebook.formatOnSave.enabled": False,
        "security.workspace.trust.startupPrompt": "never",
        "security.workspace.trust.untrustedFiles": "open",
        "telemetry.telemetryLevel": "off",
        "update.mode": "none",
        "window.autoDetectColorScheme": True,  # it would stand over a theme that was chosen: `_defaults`
        "workbench.enableExperiments": False,
        "workbench.secondarySideBar.defaultVisibility": "hidden",
        "workbench.startupEditor": "none",
    }
)
ENFORCED: Mapping[str, object] = MappingProxyType(
    {"task.allowAutomaticTasks": "off"}  # application scope: a workspace cannot turn it on
)
LAB = "lab"  # JupyterLab's own settings, beside code-server's
SNIPPETS = "snippets"
SAVED = ("settings.json", "keybindings.json", SNIPPETS, LAB)  # no tasks.json: all that it has are commands
OPEN_EDITORS = "open-editors.json"
EXTENSIONS = "extensions.txt"
INSTALL_TIMEOUT = 300.0
LARGEST_SAVED = 5_000_000
_EXTENSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\.[A-Za-z0-9][A-Za-z0-9._-]*")


def write_defaults(user_data: Path, preferences: Mapping[str, object]) -> None:
    """Fill in what the user has not set, and set what must be so; a file with comments is left alone.

    Args:
        user_data: code-server's user data folder.
        preferences: Defaults of this session, before the general ones.
    """
    path = user_data / "User/settings.json"
    present = _read_object(path) if path.exists() else {}
    machine = user_data / "Machine/settings.json"
    for folder in (path.parent, machine.parent):
        make_directory(folder)
    write_atomically(machine, as_json(ENFORCED))
    wanted = {**_defaults(present or {}), **preferences, **(present or {}), **ENFORCED}
    if present is not None and wanted != present:
        write_atomically(path, as_json(wanted))


def _defaults(own: Mapping[str, object]) -> dict[str, object]:
    unwanted = {"window.autoDetectColorScheme"} if "workbench.colorTheme" in own else set()
    return {name: value for name, value in DEFAULTS.items() if name not in unwanted}


def as_json(value: Mapping[str, object]) -> bytes:
    """A settings file with these values."""
    return json.dumps(dict(value), indent=2).encode() + b"\n"


def _read_object(path: Path) -> dict[str, Any] | None:
    """The settings, None where they hold comments or are otherwise not ours to rewrite."""
    with suppress(OSError, ValueError):
        read = json.loads(path.read_text(encoding="utf-8"))
        return read if isinstance(read, dict) else None
    return None


def save(layout: Layout, target: Path, open_editors: Mapping[str, object] | None = None) -> str:
    """Pack what is the user's into one file and answer with its SHA-256; equal settings give an equal file.

    Args:
        layout: The editor's folders.
        target: Written aside and renamed into place.
        open_editors: What the extension reported as open.
    """
    with tempfile.TemporaryDirectory(dir=layout.directory) as scratch:
        content = Path(scratch)
        for path in _saved(layout.user / "User"):
            copy = content / "User" / path.relative_to(layout.user / "User")
            make_directory(copy.parent)
            shutil.copyfile(path, copy, follow_symlinks=False)
        (content / EXTENSIONS).write_text("".join(f"{name}\n" for name in installed_extensions(layout)))
        if open_editors is not None:
            (content / OPEN_EDITORS).write_bytes(as_json(open_editors))
        return archive.pack(content, target)


def _saved(user: Path) -> Iterator[Path]:
    """The files to save, in a fixed order; no links, and nothing far too large for a setting."""
    for name in SAVED:
        path = user / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not file.is_symlink() and file.stat().st_size <= LARGEST_SAVED:
                yield file


@dataclass(frozen=True)
class Restored:
    """What came back of saved settings.

    Args:
        extensions: Those to install, each by its name in the gallery.
        opened: What was open.
        left: The settings and keys that stayed behind, since they could have something run.
    """

    extensions: tuple[str, ...] = ()
    opened: dict[str, Any] = field(default_factory=dict)
    left: tuple[str, ...] = ()


def restore(layout: Layout, source: Path, sha256: str) -> Restored:
    """Bring saved settings back; what is here already wins over what was saved.

    Raises:
        FormatError: The file is damaged or would write outside.
    """
    left: list[str] = []
    with tempfile.TemporaryDirectory(dir=layout.directory) as scratch:
        content = Path(scratch, "content")
        archive.unpack(source, content, sha256)
        for path in _saved(content / "User"):
            place = layout.user / "User" / path.relative_to(content / "User")
            if not place.exists():
                left += _bring_back(path, place, text=place.parent.name == SNIPPETS)
        names = tuple((content / EXTENSIONS).read_text().split()) if (content / EXTENSIONS).is_file() else ()
        extensions = tuple(name for name in names if _is_extension(name))
        return Restored(extensions, _read_object(content / OPEN_EDITORS) or {}, tuple(left))


def _bring_back(saved: Path, place: Path, *, text: bool) -> Sequence[str]:
    """Write one file to its place; answers with what was left out of it."""
    content: bytes | None = saved.read_bytes()
    left: Sequence[str] = ()
    if not text and content is not None:
        content, left = harmless(content, DEFAULTS)
    if content is None:
        return (f"{place.name} (it does not read)",)
    make_directory(place.parent)
    write_atomically(place, content)
    return [name for name in left if name not in ENFORCED]  # those are set anyway


def _is_extension(name: str) -> bool:
    """Whether it is a gallery's `publisher.name`: no option, and no path, which a .vsix is to code-server."""
    return _EXTENSION.fullmatch(name) is not None and not name.lower().endswith(".vsix")


def installed_extensions(layout: Layout) -> tuple[str, ...]:
    """The names of what is installed, as `publisher.name`, sorted; those without a gallery id too."""
    with suppress(OSError, ValueError):
        listed = json.loads((layout.extensions / "extensions.json").read_text())
        return tuple(sorted({str(entry["identifier"]["id"]).lower() for entry in listed}))
    return ()


def install_extension(
    installed: Installed, layout: Layout, environment: Mapping[str, str], name: str
) -> None:
    """Install one extension, by its gallery name or from a .vsix file; it may run while the server does.

    Raises:
        EditorError: The gallery or the file refuses it.
    """
    if not _is_extension(name) and not (name.endswith(".vsix") and Path(name).is_file()):
        raise EditorError(
            f"{name!r} is no extension.", hint="Write it like ms-python.python, or a .vsix file."
        )
    argv = (
        *installed.command,
        f"--user-data-dir={layout.user}",
        f"--extensions-dir={layout.extensions}",
        f"--config={layout.directory / 'config.yaml'}",
        "--install-extension",
        str(Path(name).resolve()) if name.endswith(".vsix") else name,
    )
    try:
        done = run.run(argv, timeout=INSTALL_TIMEOUT, env=private_environment(environment, layout.mark))
    except (OSError, run.TimedOut) as error:
        raise EditorError(
            f"The extension {name} was not installed: {error}.",
            hint="Check its name on open-vsx.org, or give the path of a .vsix file.",
        ) from error
    if done.code != 0:
        words = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        raise EditorError(
            f"The extension {name} was not installed: {words[-1] if words else 'no word of why'}",
            hint="Check its name on open-vsx.org, or give the path of a .vsix file.",
        )
