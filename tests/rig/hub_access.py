"""Who may do what at the API, and how GitHub says no.

The words are those of GitHub's documentation ("Troubleshooting the REST API", "Authenticating to the REST
API") and of mozilla/fxa#293 (archived), mapbox/github-release-tools#28 (single sign-on).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.rig.forge import Forge, Hosted
from tests.rig.tokens import Level, Token, at_least

DOCUMENTATION = "https://docs.github.com/rest"


@dataclass(frozen=True)
class Refused(Exception):
    """An answer that is no success."""

    status: int
    message: str
    errors: Sequence[Any] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The answer's JSON, as GitHub words it."""
        told = {"message": self.message, "documentation_url": DOCUMENTATION, "status": str(self.status)}
        return {**told, "errors": list(self.errors)} if self.errors else told


@dataclass(frozen=True)
class Needs:
    """What an operation asks for: a fine-grained permission, its level, and the person's role."""

    permission: str = "metadata"
    level: str = "read"
    role: Level = "read"


def invalid(resource: str, field: str = "", message: str = "") -> Refused:
    """422 about one field, or with a message of its own."""
    error = {"resource": resource, "code": "custom" if message else "invalid"}
    named = {**error, **({"field": field} if field else {}), **({"message": message} if message else {})}
    return Refused(422, "Validation Failed", [named])


def token_of(forge: Forge, authorization: str | None) -> Token | None:
    """The token of a request, `Bearer` or `token`; None when it came without one.

    Raises:
        Refused: It is not valid.
    """
    if authorization is None:
        return None
    scheme, _, value = authorization.partition(" ")
    token = forge.tokens.get(value) if scheme.lower() in ("bearer", "token") else None
    if token is None:
        raise Refused(401, "Bad credentials")
    return token


def admit(forge: Forge, token: Token | None, hosted: Hosted | None, needs: Needs) -> Hosted:
    """The repository, if the request may do to it what it needs.

    Raises:
        Refused: It may not, or sees none.
    """
    if hosted is None or forge.level(token, hosted, "metadata") == "none":
        raise Refused(404, "Not Found")
    if token and hosted.owner in token.single_sign_on:
        raise _single_sign_on(hosted.owner)
    writes = needs.level == "write"
    if writes and token is None:
        raise Refused(401, "Requires authentication")
    if writes and hosted.archived:
        raise Refused(403, "Repository was archived so is read-only.")
    if token and not _granted(forge, token, hosted, needs):
        wanted = {"X-Accepted-GitHub-Permissions": f"{needs.permission}={needs.level}"}
        raise Refused(403, "Resource not accessible by personal access token", headers=wanted)
    if not at_least(forge.role(token.login if token else None, hosted), needs.role):
        raise Refused(403, "Must have push access to the repository.")
    return hosted


def _granted(forge: Forge, token: Token, hosted: Hosted, needs: Needs) -> bool:
    if not hosted.private and needs.level == "read":
        return True
    if not hosted.private and token.scoped:
        return bool({"repo", "public_repo"} & token.scopes)
    return token.grants(needs.permission, needs.level) and not forge.outside(token, hosted)


def _single_sign_on(organisation: str) -> Refused:
    page = f"https://github.com/orgs/{organisation}/sso?authorization_request=A0"
    message = (
        "Resource protected by organization SAML enforcement."
        " You must grant your Personal Access token access to this organization."
    )
    return Refused(403, message, headers={"X-GitHub-SSO": f"required; url={page}"})


def token_headers(token: Token | None) -> dict[str, str]:
    """What every answer tells of the token that asked."""
    if token is None:
        return {}
    told = {"X-OAuth-Scopes": ", ".join(sorted(token.scopes))} if token.scoped else {}
    if token.expires:
        told["GitHub-Authentication-Token-Expiration"] = token.expires.strftime("%Y-%m-%d %H:%M:%S UTC")
    return told
