"""Who the token belongs to, where GitHub can say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitsession.address import GITHUB, Address
from gitsession.credentials import Token
from gitsession.errors import HubError
from gitsession.model import Identity


@dataclass(frozen=True)
class Account:
    """A GitHub account: its login, and whom its commits name."""

    login: str
    identity: Identity


def is_github(address: Address, environ: Mapping[str, str]) -> bool:
    """Whether the repository's server is GitHub, or the GitHub Enterprise of `GITHUB_SERVER_URL`."""
    server = (environ.get("GITHUB_SERVER_URL") or f"https://{GITHUB}").rstrip("/")
    return address.is_https and (address.host == GITHUB or address.url.startswith(f"{server}/"))


def who(address: Address, token: Token | None, environ: Mapping[str, str]) -> Account | None:
    """The account of a token; None without one, or while GitHub does not answer.

    Raises:
        AuthorisationError: GitHub refuses the token.
    """
    if token is None or not is_github(address, environ):
        return None
    from gitsession.hub import Hub, api_url

    try:
        user = Hub(lambda: token, api_url(address.host, environ)).user()
    except HubError:
        return None
    return Account(user.login, user.identity)
