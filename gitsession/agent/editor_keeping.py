"""What of the editor outlives this machine: the person's settings, what is open, and code-server itself."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from gitsession.agent.log import Log
from gitsession.editor import install, settings
from gitsession.editor.install import Installed
from gitsession.editor.pinned import is_genuine
from gitsession.editor.server import Layout
from gitsession.editor.working import Worker, fetched_into
from gitsession.errors import GitsessionError, StorageError
from gitsession.replicas.editor_files import EditorFiles


class EditorKeeping:
    """Saves one editor's settings to the vault whenever they have changed.

    Args:
        files: The editor's files in the vault; None without a vault.
        layout: Where the editor keeps its settings.
        open_editors: The file in which the agent notes what is open.
        session: Whose editors these are; what was open in one session is not opened in another.
        log: Told what was kept, and why not.
    """

    def __init__(
        self, files: EditorFiles | None, layout: Layout, open_editors: Path, session: str, log: Log
    ) -> None:
        self._files = files
        self._layout = layout
        self._open_editors = open_editors
        self._session = session
        self._log = log
        self._seen: object = None
        self._kept = ""

    def keep(self) -> None:
        """Save what has changed since the last time; a vault that does not answer is tried again later."""
        seen = self._look()
        if self._files is None or seen == self._seen:
            return
        packed = self._layout.directory / "settings.tar.zst"
        try:
            sha256 = settings.save(self._layout, packed, self._opened())
            if sha256 != self._kept:
                self._files.keep_settings(packed, sha256)
                self._log.write("editor settings kept", sha256=sha256)
            self._seen, self._kept = seen, sha256
        except (GitsessionError, OSError) as error:
            self._log.failure("editor settings not kept", error)
        finally:
            packed.unlink(missing_ok=True)
            self._files.mount.close()

    def _look(self) -> object:
        """Changes when something that is saved changes; reads no content."""
        user = self._layout.user / "User"
        paths = [self._open_editors, self._layout.extensions / "extensions.json"]
        for name in settings.SAVED:
            paths += [user / name, *sorted((user / name).rglob("*"))]
        return [_stamp(path) for path in paths]

    def _opened(self) -> dict[str, object] | None:
        with suppress(OSError, ValueError):
            told = json.loads(self._open_editors.read_bytes())
            return {**told, "session": self._session} if isinstance(told, dict) else None
        return None


def _stamp(path: Path) -> tuple[str, int, int] | None:
    with suppress(OSError):
        seen = path.stat()
        return (str(path), seen.st_mtime_ns, seen.st_size)
    return None


def archive_in(files: EditorFiles | None, folder: Path) -> tuple[Path, str] | None:
    """Fetch the vault's archive of code-server into a folder; None where it has none or does not answer."""
    if files is None:
        return None
    try:
        kept = files.archive(install.directory_name(install.machine()))
        if kept is None:
            return None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fetched = fetched_into(folder)
        files.fetch(kept, fetched)
        return fetched, kept.sha256
    except StorageError:
        return None
    finally:
        files.mount.close()


def keep_archive(files: EditorFiles, installed: Installed, worker: Worker, folder: Path) -> bool:
    """Put code-server into the vault for the next machine, which uses none but those that are pinned.

    Returns:
        Whether it was put there: it was not there already, and is pinned.

    Raises:
        StorageError: The storage does not answer or is full.
        EditorError: It cannot be packed.
    """
    name = install.directory_name(install.machine())
    packed = folder / f"{name}.tar.zst"
    try:
        if files.archive(name) is not None or not is_genuine(installed.directory, install.machine()):
            return False
        files.keep_archive(name, packed, worker.pack(installed.directory, packed))
        return True
    finally:
        packed.unlink(missing_ok=True)
        files.mount.close()
