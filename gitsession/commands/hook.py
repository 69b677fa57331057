"""`gitsession hook`: what our git hooks call: tell the agent to look, and never be in git's way."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gitsession.agent.control import ask
from gitsession.agent.places import Places, home
from gitsession.errors import GitsessionError

TIMEOUT = 0.5
_KEY = re.compile(r"[0-9a-f]{16}")


def main(arguments: Sequence[str]) -> int:
    """Nudge the agent of `--key KEY` for the hook that is named; 0 whatever comes of it.

    Without an agent nothing is lost: it watches `.git` itself, and sweeps.
    """
    match arguments:
        case ["--key", key, name] if _KEY.fullmatch(key):
            try:
                ask(Places(key, home()).agent_socket, "nudge", timeout=TIMEOUT, hook=name)
            except GitsessionError:
                return 0
    return 0
