"""What every tunnel is: it opens a public address for a port on loopback, and says whether it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Address:
    """Where the port is reached from outside.

    Args:
        url: What the person opens; empty where there is no address but only `how`.
        host: The Host header that requests arrive with, where the tunnel rewrites it.
        how: What the person must do to reach it, in one line; empty where the URL is enough.
    """

    url: str
    host: str | None = None
    how: str = ""


class Opened(Protocol):
    """A tunnel that stands."""

    @property
    def address(self) -> Address:
        """Where it leads from."""

    def alive(self) -> bool:
        """Whether it still stands."""

    def close(self) -> None:
        """End this tunnel, and no other."""


class Tunnel(Protocol):
    """A way from outside to a port on loopback."""

    @property
    def name(self) -> str:
        """What `tunnel=` calls it."""

    def open(self, port: int) -> Opened:
        """Open it, in bounded time.

        Raises:
            EditorError: It cannot be opened; says what to do.
        """
