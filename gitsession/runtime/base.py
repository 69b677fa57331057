"""What a machine is to us: where its storage, its secrets and its end are."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Protocol

from gitsession.model import parse_duration
from gitsession.status import Deadline

UPTIME = Path("/proc/uptime")


class Runtime(Protocol):
    """One kind of machine; one module each."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def interactive(self) -> bool:
        """Whether a person sits before it; a run that nobody watches takes no lease."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of saving here, one sentence each."""
        ...

    @property
    def network_hint(self) -> str:
        """What to do where nothing on the network can be reached."""
        ...

    def default_storage(self) -> Path | None:
        """The storage folder for who names none; None for no vault.

        Raises:
            StorageError: It cannot be had now, and how it can.
        """
        ...

    def storage_at_hand(self) -> Path | None:
        """The default storage where it can be had at once, without asking the person; None otherwise."""
        ...

    @property
    def storage_reason(self) -> str:
        """What to tell the person before `default_storage` asks for consent; empty where nobody is asked."""
        ...

    def default_worktree(self, name: str) -> Path:
        """Where a repository of this name is opened."""
        ...

    def mount(self) -> Path:
        """The folder of `storage="drive"`, mounted if need be.

        Raises:
            StorageError: There is no Drive here, or it cannot be mounted now, and what to do.
        """
        ...

    @property
    def uploads(self) -> str:
        """What to do about storage that uploads by itself and later; empty where it is all there at once."""
        ...

    def unmount(self, seconds: float) -> None:
        """Have the default storage upload everything, and leave it; nothing where it is all there at once.

        Raises:
            StorageError: It was not done within so many seconds.
        """
        ...

    def secret(self, name: str, /) -> str | None:
        """A secret that the person keeps with the platform; None where it has no place for them.

        Raises:
            AuthorisationError: It cannot be had, why, and what to do.
        """
        ...

    def started_at(self) -> float | None:
        """When this machine's life began, in seconds since 1970; the same after every kernel restart."""
        ...

    def lifetime(self) -> float | None:
        """Seconds that such a machine is given at most; None where nothing is known."""
        ...

    def deadline(self, lifetime: str | float | None = None) -> Deadline | None:
        """When this machine is expected to end.

        Args:
            lifetime: What the person says its whole life is, such as `"12h"`; else what is usual here.
        """
        ...

    def notice(self) -> Deadline | None:
        """The end that the platform itself has announced, if it has; poll it every few seconds."""
        ...

    def port_url(self, port: int, /) -> str | None:
        """Where the person's browser reaches a port of this machine; None where only a tunnel does."""
        ...


def booted_at(uptime: Path = UPTIME) -> float | None:
    """When the machine was started, in seconds since 1970.

    It is counted back from now, so that a clock that was put right moves it along with everything else.
    """
    try:
        return time.time() - float(uptime.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def estimate(started: float | None, lifetime: str | float | None, usual: float | None) -> Deadline | None:
    """The start and the lifetime as a deadline, which is always an estimate; None where one is unknown.

    Raises:
        UsageError: `lifetime` is no duration.
    """
    seconds = usual if lifetime is None else parse_duration(lifetime)
    return None if started is None or seconds is None else Deadline(started + seconds, estimate=True)


def in_kernel() -> bool:
    """Whether this is a notebook's kernel, which alone can talk with the notebook."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def data_folder() -> Path:
    """The person's own folder for data on this machine."""
    from platformdirs import user_data_path

    return user_data_path("gitsession").absolute()
