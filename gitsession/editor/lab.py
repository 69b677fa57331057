"""JupyterLab instead of code-server: behind the same gate, supervised and ended in the same way."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from gitsession import run
from gitsession.editor import settings
from gitsession.editor.install import Installed
from gitsession.editor.invocation import Invocation
from gitsession.editor.server import Behind, Layout
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


class Lab(Behind):
    """One JupyterLab.

    Args:
        plan: The folder that it opens and its environment.
        layout: Where it keeps its things.
    """

    route = "/api"

    def __init__(self, plan: Plan, layout: Layout) -> None:
        own = {
            "JUPYTER_RUNTIME_DIR": str(layout.directory / "jupyter"),
            "JUPYTERLAB_WORKSPACES_DIR": str(layout.user / "workspaces"),
            "JUPYTERLAB_SETTINGS_DIR": str(layout.user / "User" / settings.LAB),
        }
        super().__init__(layout, plan.folder, {**plan.environment, **own})

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
            f"--ServerApp.root_dir={self.folder}",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        )

    @property
    def invocation(self) -> Invocation:
        """How it is started: in its folder, since kernels that name no folder stand where it does."""
        return replace(super().invocation, directory=self.folder)

    def prepare(self) -> None:
        """End what an earlier one left of itself; its kernels go with it."""
        if self._process is not None:
            run.end_group(self._process)
