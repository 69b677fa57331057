"""The worker as whoever asks it sees it: installing and packing, with progress, and an end at any time."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gitsession import run
from gitsession.editor import install
from gitsession.editor.install import Installed, Progress, Step, silent
from gitsession.errors import EditorError

FETCHED = "from-the-vault.{}-{}.tar.zst"
Archive = Callable[[Path], "tuple[Path, str] | None"]


def editor_cache() -> Path:
    """Where installations lie, for all sessions of a person on this machine."""
    from platformdirs import user_cache_path

    return user_cache_path("gitsession") / "editor"


def fetched_into(cache: Path) -> Path:
    """A name of one's own for the vault's archive, which others fetch too; what the dead left is removed."""
    for left in cache.glob(FETCHED.format("*", "*")):
        if not run.is_alive(int(left.name.split(".")[1].partition("-")[0])):
            left.unlink(missing_ok=True)
    return cache / FETCHED.format(os.getpid(), secrets.token_hex(4))


def no_archive(_folder: Path) -> None:
    """Where there is no vault."""


class Worker:
    """Works in a process of its own, one piece at a time; `stop`, from any thread, ends it.

    Args:
        progress: Told of phases and bytes.
    """

    def __init__(self, progress: Progress = silent) -> None:
        self._progress = progress
        self._process: run.Process | None = None
        self._stopped = False

    def install(self, cache: Path, archive: Archive = no_archive) -> Installed:
        """The installation, brought here first where it is missing.

        Args:
            cache: The folder for all versions.
            archive: Fetches the vault's archive into a folder and answers with its place and SHA-256, or
                None; asked only where it is needed.

        Raises:
            EditorError: No source has it, or the work was stopped.
            GitsessionError: What `archive` raises.
        """
        if present := install.present(cache):
            return present
        given = archive(cache)
        asked = [str(given[0]), given[1]] if given else None
        try:
            source = self._ask({"op": "install", "cache": str(cache), "archive": asked})
        finally:
            if given:
                given[0].unlink(missing_ok=True)
        found = install.present(cache)
        if found is None:
            raise EditorError("The editor was installed and is gone again.", hint="Open the session again.")
        return Installed(found.directory, found.node, found.entry, source)

    def pack(self, directory: Path, target: Path) -> str:
        """Pack a folder into one file and answer with its SHA-256.

        Raises:
            EditorError: It cannot be written, or the work was stopped.
        """
        return self._ask({"op": "pack", "directory": str(directory), "target": str(target)})

    def stop(self) -> None:
        """End what is being done, and do no more."""
        self._stopped = True
        if self._process is not None:
            run.end_group(self._process)

    def _ask(self, asked: dict[str, Any]) -> str:
        process = self._process = run.start_own("gitsession.editor.worker", stdout=run.PIPE)
        try:
            if self._stopped:
                raise _stopped()
            return self._heard(process, json.dumps(asked).encode() + b"\n")
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            run.has_ended(process, run.KILL_GRACE)
            run.end_group(process)

    def _heard(self, process: run.Process, asked: bytes) -> str:
        if process.stdin is None or process.stdout is None:
            raise _stopped()
        with suppress(BrokenPipeError):
            process.stdin.write(asked)
            process.stdin.flush()
        for line in process.stdout:
            said = json.loads(line)
            if "done" in said and "phase" not in said:
                return str(said["done"])
            if "error" in said:
                raise _of_the_worker(**said["error"])
            self._progress(Step(said["phase"], said["done"], said["total"]))
        raise _stopped()


def _stopped() -> EditorError:
    return EditorError("Installing the editor was stopped.", hint="Open the session again.")


def _of_the_worker(what: str, safe: str, hint: str) -> EditorError:
    return EditorError(what, safe=safe, hint=hint or "`gitsession doctor` looks at the editor.")
