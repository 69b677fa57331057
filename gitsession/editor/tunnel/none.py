"""Without a tunnel: the line that brings a port of this machine to another one."""

from __future__ import annotations


def ssh_line(port: int, user: str, host: str) -> str:
    """What to type on one's own machine.

    Example:
        >>> ssh_line(8080, "ada", "gpu-1")
        'ssh -N -L 8080:127.0.0.1:8080 ada@gpu-1'
    """
    return f"ssh -N -L {port}:127.0.0.1:{port} {user}@{host}"
