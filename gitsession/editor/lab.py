"""JupyterLab instead of code-server: behind the same gate, supervised and ended in the same way."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from gitsession import run
from gitsession.editor import marked
from gitsession.editor.install import Installed
from gitsession.editor.server import Layout, healthy, private_environment, start_logged
from gitsession.editor.supervise import Plan
from gitsession.errors import EditorError


def installed() -> Installed:
    """The JupyterLab beside gitsession.

    Raises:
        EditorError: It is not installed.
    """
    found = find_spec("jupyterlab")
    if found is None or found.origin is None:
        raise EditorError(
            "JupyterLab is not installed.",
            safe="Everything else works without it.",
            hint='Install it with `pip install "gitsession[lab]"`, or open with editor="auto".',
        )
    return Installed(Path(found.origin).parent, Path(sys.executable), Path(found.origin), "present")


def server(plan: Plan, layout: Layout, _installed: Installed) -> Lab:
    """JupyterLab on the plan's folder."""
    return Lab(plan, layout)


@dataclass
class Lab:
    """One JupyterLab: no token of its own, a 0600 socket in a 0700 folder.

    Args:
        plan: The folder that it opens and its environment.
        layout: Where it keeps its things.
    """

    plan: Plan
    layout: Layout
    _process: run.Process | None = field(default=None, init=False)

    @property
    def socket(self) -> Path:
        """The Unix socket that it listens on."""
        return self.layout.socket

    @property
    def command(self) -> tuple[str, ...]:
        """Its command line; nothing secret is on it."""
        return (
            *run.program("jupyterlab.labapp"),
            f"--ServerApp.sock={self.socket}",
            "--ServerApp.sock_mode=0600",
            "--IdentityProvider.token=",
            "--ServerApp.password=",
            "--ServerApp.allow_remote_access=True",
            "--ServerApp.open_browser=False",
            "--ServerApp.allow_root=True",
            f"--ServerApp.root_dir={self.plan.folder}",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        )

    def start(self) -> None:
        """Start it; what an earlier one left of itself is ended first."""
        if self._process is not None:
            run.end_group(self._process)
        self.socket.unlink(missing_ok=True)
        own = {
            "JUPYTER_RUNTIME_DIR": str(self.layout.directory / "jupyter"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.layout.user / "workspaces"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.layout.user / "User" / "snippets"),
        }
        environment = private_environment({**self.plan.environment, **own}, self.layout.mark)
        self._process = start_logged(self.command, environment, self.plan.folder, self.layout.log)

    def is_running(self) -> bool:
        """Whether its process lives; one that another process started counts while it answers."""
        return self._process.poll() is None if self._process is not None else self.answers()

    def answers(self) -> bool:
        """Whether it tells its version."""
        return healthy(self.socket, "/api")

    def stop(self) -> None:
        """End it with every process that was started in it: kernels and terminals too."""
        marked.end(self.layout.mark)
        if self._process is not None:
            self._process.wait()
        self.socket.unlink(missing_ok=True)
