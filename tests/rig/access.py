"""Who may pass the door of the git server, and GitHub's words for who may not.

The words: 401 wimpysworld/umpc-ubuntu#55; 403 without write access zero-to-mastery/ZtM-Job-Board#2531;
404 of a repository that the token cannot see tmhedberg/SimpylFold#135; archived nextcloud/docker-ci#859
(there over ssh); single sign-on desktop/desktop#9055.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from tests.rig.forge import Forge, Hosted
from tests.rig.tokens import Token, at_least

REALM = {"WWW-Authenticate": 'Basic realm="GitHub"'}
INVALID = "Invalid username or token. Password authentication is not supported for Git operations.\n"


@dataclass(frozen=True)
class Denied(Exception):
    """A request that is refused at the door."""

    status: int
    body: str
    headers: Mapping[str, str]


def token_in(authorization: str | None) -> str | None:
    """The token that a Basic header carries: its password, or its user name when the password is a filler."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return user if password in ("", "x-oauth-basic") else password


def authenticate(forge: Forge, authorization: str | None) -> Token | None:
    """The token of a request; None when it came without one.

    Raises:
        Denied: It came with one that is not valid.
    """
    if authorization is None:
        return None
    token = forge.tokens.get(token_in(authorization) or "")
    if token is None:
        raise Denied(401, INVALID, REALM)
    return token


def authorise(forge: Forge, token: Token | None, name: str, operation: str) -> Hosted:
    """The repository that a request may act on.

    Raises:
        Denied: It may not, or there is none; as at GitHub the two look alike.
    """
    hosted = forge.find(name)
    level = forge.level(token, hosted) if hosted else "none"
    writes = operation.startswith(("git-receive-pack", "lfs PUT"))
    if token is None and (writes or level == "none"):
        raise Denied(401, "No anonymous write access.\n" if level != "none" else INVALID, REALM)
    if hosted is None or level == "none":
        raise Denied(404, "Repository not found.\n", {})
    if operation == "other":
        raise Denied(404, "Not Found\n", {})
    if token and hosted.owner in token.single_sign_on:
        raise Denied(403, _single_sign_on(hosted.owner), {})
    if writes and token:
        _authorise_writing(forge, token, hosted)
    return hosted


def _authorise_writing(forge: Forge, token: Token, hosted: Hosted) -> None:
    if hosted.archived:
        raise Denied(403, "This repository was archived so it is read-only.\n", {})
    if at_least(forge.level(token, hosted), "write"):
        return
    if not token.scoped and at_least(forge.role(token.login, hosted), "write"):
        raise Denied(403, "Write access to repository not granted.\n", {})
    raise Denied(403, f"Permission to {hosted.full_name}.git denied to {token.login}.\n", {})


def _single_sign_on(organisation: str) -> str:
    return (
        f"The `{organisation}' organization has enabled or enforced SAML SSO. To access\n"
        f"this repository, visit https://github.com/orgs/{organisation}/sso?authorization_request=A0\n"
        "and try your request again.\n"
    )
