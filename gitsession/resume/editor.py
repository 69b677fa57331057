"""The editor's part in `open`: what it needs is brought here beside the clone, then it is waited for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from gitsession.agent.configuration import Configuration
from gitsession.agent.editor_keeping import archive_in
from gitsession.agent.places import editor_folder
from gitsession.editor import settings
from gitsession.editor.install import Step
from gitsession.editor.server import Layout
from gitsession.editor.wanted import Wanted
from gitsession.editor.working import Worker, editor_cache
from gitsession.errors import FormatError, GitsessionError
from gitsession.files import write_atomically
from gitsession.git.progress import Listen, Progress
from gitsession.replicas.editor_files import EditorFiles, Kept
from gitsession.resume.ground import Ground
from gitsession.resume.options import Options
from gitsession.wording import inert

NAMED, LONGEST = 8, 60  # settings that a note names, and the characters of one


class BesideTheClone:
    """Installs the editor and fetches its saved settings while git works; a failure is no failure of `open`.

    The agent installs too and waits for this installation: who is first does not matter.

    Args:
        options: Whether an editor is wanted, and which.
        listen: Told of the installation's progress.

    Attributes:
        notes: What the person should know of the settings that came back.
    """

    def __init__(self, options: Options, listen: Listen | None) -> None:
        self._options = options
        self._listen = listen
        self._worker = Worker(self._tell)
        self._scratch = TemporaryDirectory(prefix="gitsession-")
        self._fetched: tuple[Path, Kept] | None = None
        self._looked = threading.Event()
        self._thread: threading.Thread | None = None
        self.notes: tuple[str, ...] = ()

    def __enter__(self) -> BesideTheClone:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._worker.stop()
        if self._thread is not None:
            self._thread.join()
        self._scratch.cleanup()

    def start(self, ground: Ground) -> None:
        """Begin, once it is known where the storage is."""
        if self._options.editor is None:
            self._looked.set()
            return
        self._thread = threading.Thread(target=lambda: self._bring(ground), name="editor", daemon=True)
        self._thread.start()

    def settings_into(self, configuration: Configuration, wanted: Wanted) -> Wanted:
        """Put saved settings where the editor looks for them; their extensions join those that are wanted."""
        self._looked.wait()
        if self._fetched is None:
            return wanted
        file, kept = self._fetched
        places = configuration.places
        places.create()
        layout = Layout(editor_folder(configuration.worktree, places.root))
        layout.create()
        with suppress(FormatError):
            back = settings.restore(layout, file, kept.sha256)
            opened = dict(back.opened)
            if opened.pop("session", None) == str(configuration.session) and not places.open_editors.exists():
                write_atomically(places.open_editors, settings.as_json(opened))
            self.notes = _told(back.left)
            return replace(wanted, extensions=tuple(dict.fromkeys((*wanted.extensions, *back.extensions))))
        return wanted

    def _bring(self, ground: Ground) -> None:
        files = None
        try:
            files = EditorFiles.of(Path(ground.storage), ground.address) if ground.storage else None
            self._fetch_settings(files)
        except (GitsessionError, OSError):
            files = None
        finally:
            self._looked.set()
        if self._options.editor == "auto":
            with suppress(GitsessionError, OSError):  # the agent says what is wrong
                self._worker.install(editor_cache(), lambda folder: archive_in(files, folder))

    def _fetch_settings(self, files: EditorFiles | None) -> None:
        kept = files.newest_settings() if files else None
        if files is not None and kept is not None:
            target = Path(self._scratch.name) / "settings.tar.zst"
            files.fetch(kept, target)
            self._fetched = target, kept
        if files is not None:
            files.mount.close()

    def _tell(self, step: Step) -> None:
        if self._listen is not None:
            self._listen(Progress(f"Editor: {step.phase}", step.done, step.total))


def _told(left: Sequence[str]) -> tuple[str, ...]:
    """That settings stayed behind: once, since the next machine has them no more or from the person."""
    if not left:
        return ()
    some = ", ".join(inert(name)[:LONGEST] for name in left[:NAMED]) + (
        f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    )
    return (
        f"The editor's settings came back from the vault without {some}: they could have a program run, and "
        "others may write to that folder. Set again in the editor what you want of them.",
    )
