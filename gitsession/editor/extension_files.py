"""The files of our own extension, as they lie in the package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent / "extension"
TYPES = {
    "js": "application/javascript",
    "json": "application/json",
    "md": "text/markdown",
    "png": "image/png",
    "svg": "image/svg+xml",
    "vsixmanifest": "text/xml",
}


def contents() -> Iterator[tuple[str, bytes]]:
    """Each file's path inside the extension, and its content; always in the same order."""
    for path in sorted(SOURCE.rglob("*")):
        if path.is_file() and path.suffix.lstrip(".") in TYPES:
            yield path.relative_to(SOURCE).as_posix(), path.read_bytes()


def package() -> dict[str, Any]:
    """Its manifest, `package.json`."""
    return dict(json.loads((SOURCE / "package.json").read_bytes()))


def identity() -> str:
    """What the installed extension is called: `publisher.name`."""
    return f"{package()['publisher']}.{package()['name']}"
