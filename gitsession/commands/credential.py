"""`gitsession credential`: git's credential helper; it carries words between git and the keeper, which decides.

git waits for it, so that it imports little; see git-credential(1) for the protocol.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence

from gitsession.agent.control import ask
from gitsession.agent.places import Places, all_places, home
from gitsession.errors import GitsessionError

MAX_REQUEST = 65_536
TIMEOUT = 5.0
_KEY = re.compile(r"[0-9a-f]{16}")


def main(arguments: Sequence[str]) -> int:
    """Answer `get` on standard output, or stay silent; `store` and `erase` are heard and ignored.

    Args:
        arguments: `--key KEY get` asks one session's keeper, `get` alone those of all sessions in turn.
    """
    match arguments:
        case ["--key", key, "get"] if _KEY.fullmatch(key):
            return _get([Places(key, home())])
        case ["get"]:
            return _get(all_places())
        case [*_, "store" | "erase"] | ["--key", _, _]:
            return 0
        case _:
            sys.stderr.write("usage: gitsession credential [--key KEY] get|store|erase\n")
            return 2


def _get(sessions: Iterable[Places]) -> int:
    request = sys.stdin.buffer.read(MAX_REQUEST + 1).decode("latin-1")  # the keeper judges every byte
    for places in sessions:
        try:
            given = ask(places.keeper_socket, "credential", timeout=TIMEOUT, request=request)
        except GitsessionError as error:
            sys.stderr.write(f"gitsession: {error.what} {error.hint}\n")
            continue
        if given.get("password"):
            sys.stdout.write(f"username={given['username']}\npassword={given['password']}\n")
            return 0
    return 0
