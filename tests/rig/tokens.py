"""Tokens of each of GitHub's kinds and what they may do, whatever the role of their owner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Level = Literal["none", "read", "write", "admin"]
Kind = Literal["classic", "fine-grained", "app", "oauth", "codespaces"]

ADA_TOKEN = "ghp_" + "Ada0canary1token2of3the4rig5x6y7z8w9"
GRACE_TOKEN = "ghp_" + "Grace0canary1token2of3the4rig5x6y7z8"
LEVELS: tuple[Level, ...] = ("none", "read", "write", "admin")
EVERY_SCOPE = frozenset({"repo", "workflow", "read:org", "gist"})


@dataclass(frozen=True)
class Token:
    """A token and what it may do.

    Attributes:
        value: The secret itself.
        login: Whose it is.
        kind: How GitHub would name it; only classic and OAuth tokens have scopes.
        scopes: Of a classic token: `repo` opens private repositories and writing, `workflow` workflows.
        repositories: Of a fine-grained token: the `owner/name`s it is for; None is all of its owner's.
        permissions: Of a fine-grained token: `contents`, `pull_requests`, `workflows`… to `read` or `write`.
        expires: When it ends; GitHub tells in a header.
        single_sign_on: Organisations for which it still needs single sign-on.
        approved: Whether the organisation has approved this fine-grained token.
    """

    value: str
    login: str
    kind: Kind = "classic"
    scopes: frozenset[str] = EVERY_SCOPE
    repositories: frozenset[str] | None = None
    permissions: Mapping[str, str] = field(default_factory=dict)
    expires: datetime | None = None
    single_sign_on: frozenset[str] = frozenset()
    approved: bool = True

    @property
    def scoped(self) -> bool:
        """Whether it has scopes, as opposed to permissions."""
        return self.kind in ("classic", "oauth")

    def allows_workflows(self) -> bool:
        """Whether it may change `.github/workflows`."""
        return "workflow" in self.scopes if self.scoped else self.permissions.get("workflows") == "write"

    def grants(self, permission: str, level: str) -> bool:
        """Whether it reaches `level` of one permission, whatever its owner's role."""
        if self.scoped:
            return "repo" in self.scopes
        held = "read" if permission == "metadata" else self.permissions.get(permission, "none")
        return held == "write" or held == level


def highest(levels: Iterable[Level]) -> Level:
    """The most permitting of several levels."""
    return max(levels, key=LEVELS.index)


def at_least(level: Level, wanted: Level) -> bool:
    """Whether a level permits what another one permits."""
    return LEVELS.index(level) >= LEVELS.index(wanted)
