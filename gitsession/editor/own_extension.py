"""Puts our own extension where code-server finds it, without the seconds that an installation takes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from gitsession.editor.extension_files import contents, identity, package
from gitsession.editor.server import Layout


def place(layout: Layout) -> tuple[str, ...]:
    """Put it there; answers with the `.vsix` to install where code-server would not see it by itself.

    It sees a folder while it keeps no `extensions.json` yet, or when it knows that very folder.

    Raises:
        OSError: The disk refuses it.
    """
    folder = layout.extensions / f"{identity()}-{package()['version']}"
    if (layout.extensions / "extensions.json").exists() and not folder.is_dir():
        from gitsession.editor import vsx  # what packs it is slow to import, and seldom needed

        return (str(vsx.pack(layout.directory / "gitsession.vsix")),)
    if not _is_there(folder):
        _put(folder, layout.directory)
    return ()


def _is_there(folder: Path) -> bool:
    try:
        return all((folder / name).read_bytes() == content for name, content in contents())
    except OSError:
        return False


def _put(folder: Path, aside: Path) -> None:
    """Unsynced, since a start that comes after a crash compares it: syncing each file takes 0.3 s."""
    scratch = Path(tempfile.mkdtemp(dir=aside))
    for name, content in contents():
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).write_bytes(content)
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)
