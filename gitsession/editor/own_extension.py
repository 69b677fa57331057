"""Puts our own extension where code-server finds it, without the seconds that an installation takes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from gitsession.editor import vsx
from gitsession.editor.server import Layout
from gitsession.files import make_directory, write_atomically

INSIDE = "extension/"


def place(layout: Layout) -> tuple[str, ...]:
    """Unpack the extension; answers with the `.vsix` to install where code-server would not see it by itself.

    It sees a folder while it keeps no `extensions.json` yet, or when it knows that very folder.

    Raises:
        OSError: The disk refuses it.
    """
    packed = vsx.pack(layout.directory / "gitsession.vsix")
    version = json.loads((vsx.SOURCE / "package.json").read_bytes())["version"]
    folder = layout.extensions / f"{vsx.identity()}-{version}"
    if (layout.extensions / "extensions.json").exists() and not folder.is_dir():
        return (str(packed),)
    _unpack(packed, folder)
    return ()


def _unpack(packed: Path, folder: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        for name in archive.namelist():
            if name.startswith(INSIDE):
                path = folder / name.removeprefix(INSIDE)
                make_directory(path.parent)
                write_atomically(path, archive.read(name))
