"""code-server: VS Code in the browser, with everything off that leaves the machine of its own accord."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitsession.editor import marked
from gitsession.editor.install import Installed
from gitsession.editor.server import Behind, Layout


class CodeServer(Behind):
    """One code-server.

    Args:
        installed: What to run.
        folder: The folder that it opens.
        layout: Where it keeps its things.
        environment: The complete environment; secrets in it are left out.
        trusted: Whether the folder is trusted; if not, it opens in Restricted Mode.
    """

    route = "/healthz"  # its body says `expired` until a browser connects

    def __init__(
        self,
        installed: Installed,
        folder: Path,
        layout: Layout,
        environment: Mapping[str, str],
        trusted: bool = False,
    ) -> None:
        super().__init__(layout, folder, environment)
        self.installed = installed
        self.trusted = trusted

    @property
    def command(self) -> tuple[str, ...]:
        """Its command line; nothing secret is on it."""
        layout = self.layout
        return (
            *self.installed.command,
            "--auth=none",
            f"--socket={layout.socket}",
            "--socket-mode=600",
            f"--config={layout.directory / 'config.yaml'}",
            f"--user-data-dir={layout.user}",
            f"--extensions-dir={layout.extensions}",
            "--disable-telemetry",
            "--disable-update-check",
            "--disable-proxy",
            "--disable-getting-started-override",
            *(("--disable-workspace-trust",) if self.trusted else ()),
            str(self.folder),
        )

    def prepare(self) -> None:
        """Kill what a dead server left, and write the configuration that it would make up otherwise.

        A folder without one never had a server: looking through all processes takes longer than the rest.
        """
        configuration = self.layout.directory / "config.yaml"
        if configuration.exists():
            marked.end_programs(self.layout.mark, self.installed.node)
        else:
            configuration.write_text("auth: none\n")
