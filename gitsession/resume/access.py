"""Credentials for git while `open` works and no keeper runs yet: this process answers, and then forgets."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from gitsession import credentials, run
from gitsession.address import Address
from gitsession.agent.control import Server
from gitsession.agent.places import Places, home
from gitsession.agent.token import credential_operation


@contextmanager
def access(
    address: Address, fork: Address | None, token: credentials.Token | None
) -> Iterator[Mapping[str, str]]:
    """The variables with which git reaches the repository, as long as the block runs.

    Args:
        address: The repository.
        fork: The fork that is pushed to, if any.
        token: What is given to git for these two and nothing else; None gives git nothing.
    """
    if token is None:
        yield {}
        return
    places = Places(f"open-{os.getpid()}-{secrets.token_hex(4)}", home())
    places.create()
    answering = credential_operation(address, fork, lambda: token)
    server = Server(places.keeper_socket, {"credential": answering}, _raise)
    server.start()
    try:
        both = [place for place in (address, fork) if place is not None]
        yield credentials.configuration(both, places.keeper_socket, run.program(), environ={})
    finally:
        server.stop()
        shutil.rmtree(places.directory, ignore_errors=True)


def _raise(error: Exception) -> None:
    raise error
