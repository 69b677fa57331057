"""What of code-server editing does not need: AI clients, other machines' binaries, headers, source maps."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

UNNEEDED = (
    "lib/vscode/node_modules/@github/copilot-sdk*",
    "lib/vscode/node_modules/@microsoft/mxc-sdk",
    "lib/vscode/node_modules/@vscode/windows-*",
    "lib/vscode/node_modules/node-pty/third_party",
    "lib/vscode/node_modules/node-pty/deps",
    "lib/vscode/extensions/copilot",
)
FOR_EACH_MACHINE = (
    "lib/vscode/node_modules/node-pty/prebuilds",
    "lib/vscode/node_modules/@vscode/ripgrep-universal/bin",
    "node_modules/argon2/prebuilds",
)
FOR_BUILDERS = (".d.ts", ".d.cts", ".d.mts", ".md", ".h", ".c", ".cc", ".cpp", ".gyp", ".gypi")
NOTES_OF_NPM = ".package-lock.json"  # each version of npm writes it in its own way


def trim(root: Path, machine: str) -> None:
    """Remove what is not needed.

    Args:
        root: code-server's own folder.
        machine: `x64` or `arm64`, whose binaries stay.
    """
    for path in _unneeded(root, machine):
        _remove(path)
    for path in [*root.rglob("*.map"), *root.rglob(NOTES_OF_NPM), *_of_builders(root)]:
        path.unlink(missing_ok=True)


def _unneeded(root: Path, machine: str) -> Iterator[Path]:
    for pattern in UNNEEDED:
        yield from root.glob(pattern)
    for pattern in FOR_EACH_MACHINE:
        yield from (path for path in (root / pattern).glob("*") if path.name != f"linux-{machine}")


def _of_builders(root: Path) -> Iterator[Path]:
    """What only compilers and people read of the packages; TypeScript itself reads types while it runs."""
    for folder, _, names in os.walk(root):
        parts = Path(folder).relative_to(root).parts
        if "node_modules" in parts and "typescript" not in parts:
            yield from (Path(folder, name) for name in names if name.endswith(FOR_BUILDERS))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
