"""`gitsession credential`: git's credential helper; words go between git and the keeper, which decides.

git waits for it, so that it imports little. The protocol is that of git-credential(1).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from gitsession import run
from gitsession.agent.control import ask
from gitsession.errors import GitsessionError
from gitsession.git.settings import own_trust
from gitsession.wording import inert

MAX_REQUEST = 65_536
TIMEOUT = 5.0


def main(arguments: Sequence[str]) -> int:
    """Answer `get` on standard output, or stay silent; `store` and `erase` are heard and ignored.

    Args:
        arguments: `--socket PATH get` asks one session's keeper, `get` alone those of all sessions in turn.
    """
    match arguments:
        case ["--socket", path, "get"]:
            return _get([Path(path)])
        case ["get"]:
            return _get(_all_keepers())
        case ["store" | "erase"] | ["--socket", _, _]:
            return 0
        case _:
            sys.stderr.write("usage: gitsession credential [--socket PATH] get|store|erase\n")
            return 2


def _all_keepers() -> list[Path]:
    from gitsession.agent.places import all_places  # slow to import, and git's own calls name the socket

    return [places.keeper_socket for places in all_places() if places.keeper_socket.exists()]


def _get(keepers: Iterable[Path]) -> int:
    request = sys.stdin.buffer.read(MAX_REQUEST + 1).decode("latin-1")  # the keeper judges every byte
    if not _trusts_who_the_user_trusts():
        return 0
    for socket in keepers:
        try:
            given = ask(socket, "credential", timeout=TIMEOUT, request=request)
        except GitsessionError as error:
            sys.stderr.write(f"gitsession: {' '.join(str(error).splitlines())}\n")
            continue
        if given.get("password"):
            sys.stdout.write(f"username={given['username']}\npassword={given['password']}\n")
            return 0
    return 0


def _trusts_who_the_user_trusts() -> bool:
    """Whether it is up to the user, and not to the clone, whose certificates git takes for the server's."""
    try:
        found = own_trust(Path(named) if (named := os.environ.get("GIT_DIR")) else None)
    except (GitsessionError, OSError, run.TimedOut) as error:
        sys.stderr.write(f"gitsession: {' '.join(str(error).splitlines())}\n")
        return False
    if found:
        sys.stderr.write(
            f"gitsession: no token was given, since this clone itself says whose certificates are good: "
            f"{inert(', '.join(found))}. Take that away, or set it for yourself with `git config --global`.\n"
        )
    return not found
