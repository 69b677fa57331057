"""The editor's part in `open`: what it needs is brought here beside the clone, then it is waited for."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from gitsession import run
from gitsession.agent.configuration import Configuration
from gitsession.agent.editor_keeping import archive_in
from gitsession.agent.editor_plan import plan_ahead
from gitsession.agent.launching import begin_editor
from gitsession.agent.places import editor_folder
from gitsession.editor import own_extension, settings
from gitsession.editor.install import Step, present
from gitsession.editor.server import Layout
from gitsession.editor.supervise import code_server
from gitsession.editor.wanted import Wanted
from gitsession.editor.working import Worker, editor_cache
from gitsession.errors import FormatError, GitsessionError
from gitsession.files import write_atomically
from gitsession.git.progress import Listen, Progress
from gitsession.replicas.editor_files import EditorFiles, Kept
from gitsession.resume.account import Standing
from gitsession.resume.ground import Ground, author, local_login
from gitsession.resume.options import Options
from gitsession.runtime import Runtime

COLAB, LOCAL = "Colab", "this machine"
REMOTE_SHELL = ("SSH_CONNECTION", "SSH_TTY")


class BesideTheClone:
    """Installs the editor and fetches its saved settings while git works; a failure is no failure of `open`.

    The agent installs too and waits for this installation: who is first does not matter.

    Args:
        options: Whether an editor is wanted, and which.
        listen: Told of the installation's progress.
    """

    def __init__(self, options: Options, listen: Listen | None) -> None:
        self._options = options
        self._listen = listen
        self._worker = Worker(self._tell)
        self._scratch = TemporaryDirectory(prefix="gitsession-")
        self._fetched: tuple[Path, Kept] | None = None
        self._looked = threading.Event()
        self._thread: threading.Thread | None = None

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
            names, opened = settings.restore(layout, file, kept.sha256)
            if opened.pop("session", None) == str(configuration.session) and not places.open_editors.exists():
                write_atomically(places.open_editors, settings.as_json(opened))
            return replace(wanted, extensions=tuple(dict.fromkeys((*wanted.extensions, *names))))
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


def wanted(
    options: Options, ground: Ground, standing: Standing, runtime: Runtime, environ: Mapping[str, str]
) -> Wanted | None:
    """What the agent is told of the editor; None for none, and where nobody would look at it."""
    if options.editor is None or not runtime.interactive:
        return None
    return Wanted(
        kind=options.editor,
        tunnel=options.tunnel or "none",
        domain=options.tunnel_domain or "",
        oauth=options.tunnel_oauth or "",
        port=options.port,
        extensions=tuple(options.extensions),
        trusted=standing.may_push or _owns(ground),
        on_colab=runtime.name == COLAB,
        own_machine=runtime.name == LOCAL and not any(environ.get(name) for name in REMOTE_SHELL),
    )


def begin_ahead(
    options: Options, ground: Ground, standing: Standing, runtime: Runtime, loaded: run.Process
) -> None:
    """Have code-server come up while the repository is still brought here, where it lies on this machine.

    What is assumed here and turns out otherwise, such as who the commits name, costs a second start.

    Args:
        options: What the person asked for.
        ground: Where the session will stand.
        standing: How the person stands to the repository.
        runtime: The kind of machine this is.
        loaded: The keeper, which waits for its session.
    """
    told = wanted(options, ground, standing, runtime, os.environ)
    installed = present(editor_cache())
    if told is None or told.kind != "auto" or installed is None:
        return
    with suppress(GitsessionError, OSError):  # the agent tries too, and says what is wrong
        assumed = author(
            ground.worktree if ground.clone else Path("/"), standing.login or local_login(), standing.identity
        )
        addresses = (ground.address, ground.fork)
        plan = plan_ahead(addresses, ground.worktree, assumed, ground.clone, told)
        layout = Layout(plan.state)
        layout.create()
        own_extension.place(layout)
        begin_editor(loaded, code_server(plan, layout, installed).prepared())


def _owns(ground: Ground) -> bool:
    """Whether the repository is a folder of this machine that may be pushed to."""
    return ground.address.is_path and os.access(ground.address.url, os.W_OK)
