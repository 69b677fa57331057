"""Waiting for what a busy machine does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 90.0  # seconds


def eventually(holds: Callable[[], bool], seconds: float = PATIENCE, *, pause: float = 0.1) -> bool:
    """Whether a condition comes to hold in time; it is looked at every `pause` seconds."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(pause)
    return holds()
