"""Where code-server comes from, nearest first: an archive of the vault, the npm registry, its release."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gitsession.editor import archive, pinned
from gitsession.editor.download import download
from gitsession.editor.install import MANIFEST, VERSION, Built, Progress, Source, Step, Target
from gitsession.editor.registry import FromRegistry
from gitsession.editor.trim import trim
from gitsession.errors import EditorError, FormatError
from gitsession.files import digest

RELEASE = f"https://github.com/coder/code-server/releases/download/v{VERSION}"
RELEASE_HASHES = {
    "x64": ("amd64", "53029be6c5781b7bca49b815fcc9a2a3fc111813ad8c9965b2c0f0d2985a0674"),
    "arm64": ("arm64", "0edb4b60d9c4744b2dd14b0911e3c2e6dd8c6f3c13bd58bda23ae744e59e7df1"),
}


def default_sources(vault: Path | None = None, sha256: str = "") -> tuple[Source, ...]:
    """All sources in the order in which they are tried; `vault` is the archive in the vault, if any."""
    first: tuple[Source, ...] = (FromArchive(vault, sha256),) if vault is not None else ()
    return (*first, FromRegistry(), FromRelease())


@dataclass(frozen=True)
class FromArchive:
    """One archive, as `archive.pack` wrote it from a complete installation."""

    file: Path
    sha256: str
    trees: Mapping[str, Collection[str]] = field(default_factory=lambda: pinned.TREES)
    name: str = "the vault"

    def fetch(self, target: Target, progress: Progress) -> Built:
        """Unpack it; nothing of it is run before all its files were found to be code-server's own.

        Raises:
            FormatError: It is damaged, or something else than code-server.
            EditorError: It cannot be read.
        """
        target.staging.rmdir()
        try:
            total = self.file.stat().st_size
            archive.unpack(
                self.file, target.staging, self.sha256, lambda done: progress(Step("unpacking", done, total))
            )
            manifest = json.loads((target.staging / MANIFEST).read_text())
            built = Built(str(manifest["node"]), str(manifest["entry"]))
        except OSError as error:
            raise EditorError(
                f"{self.file.name} cannot be read: {error.strerror}.",
                hint="`gitsession doctor --storage PLACE` tries the place.",
            ) from error
        except (ValueError, KeyError) as error:
            raise FormatError(
                f"{self.file.name} holds no editor.",
                hint="Delete it in the storage; another one is kept by itself.",
            ) from error
        if not pinned.is_genuine(target.staging, target.machine, self.trees):
            raise FormatError(
                f"{self.file.name} holds something else than code-server as it was made.",
                safe="Nothing of it was run.",
                hint="Delete it in the storage; another one is kept by itself.",
            )
        return built


class FromRelease:
    """The tarball of code-server's release on GitHub, checked against a pinned SHA-256."""

    name = "code-server's release"

    def __init__(self, base: str = RELEASE, hashes: dict[str, tuple[str, str]] | None = None) -> None:
        self._base = base
        self._hashes = hashes or RELEASE_HASHES

    def fetch(self, target: Target, progress: Progress) -> Built:
        """Download, continuing what an earlier attempt left, check, unpack.

        Raises:
            EditorError: It cannot be had, or is not what was pinned.
            FormatError: It would write outside.
        """
        architecture, sha256 = self._hashes[target.machine]
        name = f"code-server-{VERSION}-linux-{architecture}"
        part = target.cache / f"{name}.tar.gz.part"
        download(f"{self._base}/{name}.tar.gz", part, progress)
        if digest(part).hex() != sha256:
            part.unlink()
            raise EditorError(
                "The download is not what was pinned; it was thrown away.",
                hint="Check what stands between this machine and the internet; do not go on by hand.",
            )
        progress(Step("unpacking"))
        with tarfile.open(part, "r|gz") as tar:
            archive.extract(tar, target.staging)
        part.unlink()
        trim(target.staging / name, target.machine)
        return Built(f"{name}/lib/node", name)
