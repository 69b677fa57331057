"""`gitsession hook`: what our git hooks call. It tells the agent to look, and is never in git's way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gitsession.agent.control import ask
from gitsession.errors import GitsessionError

TIMEOUT = 0.5


def main(arguments: Sequence[str]) -> int:
    """Nudge the agent at `--socket PATH` for the hook that is named; 0 whatever comes of it.

    Without an agent nothing is lost: it watches `.git` itself, and sweeps.
    """
    match arguments:
        case ["--socket", path, name]:
            try:
                ask(Path(path), "nudge", timeout=TIMEOUT, hook=name)
            except GitsessionError:
                return 0
    return 0
