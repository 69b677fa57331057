"""No tunnel: loopback, and the line that brings the port to another machine."""

from __future__ import annotations

import getpass
import platform
from dataclasses import dataclass

from gitsession.editor.tunnel.base import Address


def ssh_line(port: int, user: str, host: str) -> str:
    """What to type on one's own machine.

    Example:
        >>> ssh_line(8080, "ada", "gpu-1")
        'ssh -N -L 8080:127.0.0.1:8080 ada@gpu-1'
    """
    return f"ssh -N -L {port}:127.0.0.1:{port} {user}@{host}"


@dataclass(frozen=True)
class Loopback:
    """The port itself."""

    address: Address

    def alive(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Nothing was opened."""


class NoTunnel:
    """Reachable on this machine only."""

    name = "none"

    def open(self, port: int) -> Loopback:
        """The loopback address, with the line to type elsewhere."""
        line = ssh_line(port, getpass.getuser(), platform.node() or "this-machine")
        return Loopback(Address(f"http://127.0.0.1:{port}", how=f"From another machine: {line}"))
