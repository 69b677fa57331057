"""Which editor is wanted, and its start while the repository is still brought here.

Nothing heavy is imported: code-server is slow to come up, so that it is to begin first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gitsession import run
from gitsession.agent.editor_plan import environment, git_settings
from gitsession.agent.launching import begin_editor
from gitsession.agent.places import editor_folder, home
from gitsession.editor import own_extension
from gitsession.editor.code_server import CodeServer
from gitsession.editor.install import present
from gitsession.editor.server import Layout
from gitsession.editor.wanted import Wanted
from gitsession.editor.working import editor_cache
from gitsession.errors import GitsessionError
from gitsession.model import Identity
from gitsession.resume.account import Standing
from gitsession.resume.ground import Ground, author, local_login
from gitsession.resume.options import Options
from gitsession.runtime import Runtime

COLAB, LOCAL = "Colab", "this machine"
REMOTE_SHELL = ("SSH_CONNECTION", "SSH_TTY")


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


def _owns(ground: Ground) -> bool:
    """Whether the repository is a folder of this machine that may be pushed to."""
    return ground.address.is_path and os.access(ground.address.url, os.W_OK)


def begin_ahead(
    options: Options, ground: Ground, standing: Standing, runtime: Runtime, loaded: run.Process
) -> None:
    """Have code-server come up before the session is known, where it lies on this machine already.

    What is assumed here and turns out otherwise, such as whom commits name, costs a second start.

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
        layout = Layout(editor_folder(ground.worktree, home()))
        layout.create()
        own_extension.place(layout)
        settings = git_settings(_assumed_author(ground, standing), ground.clone)
        told_of_git = environment((ground.address, ground.fork), layout, settings)
        server = CodeServer(installed, ground.worktree, layout, told_of_git, told.trusted)
        begin_editor(loaded, server.prepared())


def _assumed_author(ground: Ground, standing: Standing) -> Identity:
    place = ground.worktree if ground.clone else Path("/")
    return author(place, standing.login or local_login(), standing.identity)
