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
    "../argon2/prebuilds",
)
OF_THE_BUILD = ("wheel", "package.json", "package-lock.json", "node_modules/.package-lock.json")
FOR_BUILDERS = (".d.ts", ".d.cts", ".d.mts", ".md", ".h", ".c", ".cc", ".cpp", ".gyp", ".gypi")
OF_NODE = ("node_modules/node-linux-*/include", "node_modules/node-linux-*/share")


def trim(root: Path, machine: str) -> None:
    """Remove what is not needed, from an npm tree (`node_modules/code-server`) or a release's folder.

    Args:
        root: The folder that was filled.
        machine: `x64` or `arm64`, whose binaries stay.
    """
    package = root / "node_modules/code-server"
    by_npm = package.is_dir()
    for path in _unneeded(root, package if by_npm else root, machine, by_npm):
        _remove(path)
    for path in [*root.rglob("*.map"), *_of_builders(root)]:
        path.unlink(missing_ok=True)


def _unneeded(root: Path, package: Path, machine: str, by_npm: bool) -> Iterator[Path]:
    for pattern in UNNEEDED:
        yield from package.glob(pattern)
    for pattern in FOR_EACH_MACHINE:
        yield from (path for path in (package / pattern).glob("*") if path.name != f"linux-{machine}")
    if by_npm:
        for pattern in (*OF_NODE, *OF_THE_BUILD):
            yield from root.glob(pattern)


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
