"""A machine of one's own, or one that we know nothing of."""

from __future__ import annotations

from pathlib import Path

from gitsession.errors import StorageError
from gitsession.runtime.base import booted_at, data_folder, estimate
from gitsession.status import Deadline


class Local:
    """Storage is the per-user data folder, and nothing ends unless `lifetime` says so."""

    name = "this machine"
    interactive = True
    notes: tuple[str, ...] = ()
    storage_reason = ""
    uploads = ""
    network_hint = "Check the network, or the proxy in HTTPS_PROXY."

    def default_storage(self) -> Path | None:
        """The per-user data folder."""
        return data_folder()

    def storage_at_hand(self) -> Path | None:
        """The default one: nobody has to be asked."""
        return self.default_storage()

    def default_worktree(self, name: str) -> Path:
        """A directory of the repository's name where one stands."""
        return Path.cwd() / name

    def mount(self) -> Path:
        """There is no Drive.

        Raises:
            StorageError: Always.
        """
        raise StorageError(
            f"Google Drive cannot be mounted on {self.name}.",
            hint='Name a folder: storage="/path" or --storage /path.',
        )

    def unmount(self, _seconds: float) -> None:
        """There is nothing to wait for; see `Runtime.unmount`."""

    def secret(self, _name: str) -> str | None:
        """There is no place for secrets but the environment."""
        return None

    def started_at(self) -> float | None:
        """When it was booted."""
        return booted_at()

    def lifetime(self) -> float | None:
        """Nothing is known."""
        return None

    def deadline(self, lifetime: str | float | None = None) -> Deadline | None:
        """An estimate where a lifetime is known; see `Runtime.deadline`."""
        return estimate(self.started_at(), lifetime, self.lifetime())

    def notice(self) -> Deadline | None:
        """Nobody announces an end."""
        return None

    def port_url(self, port: int) -> str | None:
        """Loopback."""
        return f"http://127.0.0.1:{port}/"
