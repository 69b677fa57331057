"""What a token will and will not do here, told at `open`; nothing is told of one that does everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gitsession.hub import Repository, TokenFacts

SOON = 7 * 86_400.0  # seconds before its end from which a token's end is told
NAMES = {
    "classic": "a classic token",
    "fine-grained": "a fine-grained token",
    "oauth": "an OAuth token",
    "app user": "a token of a GitHub App for you, as in Codespaces",
    "installation": "a token of a GitHub App's installation, as in Actions",
    "unknown": "a token of an unknown kind",
}

INSTALLATION = (
    f"You use {NAMES['installation']}: sessions and commits are of the app {{login}}. Whether it may push "
    "and open pull requests, only the first try shows; it makes no forks, and it ends within hours."
)


@dataclass(frozen=True)
class Ability:
    """What is done, whether the token can do it (None: only a try tells), and what would help."""

    what: str
    works: bool | None
    remedy: str = ""

    def __str__(self) -> str:
        word = {True: "yes", False: "no", None: "shown by the first try"}[self.works]
        return f"{self.what}: {word}" + (f" ({self.remedy})" if self.remedy and not self.works else "")


def abilities(facts: TokenFacts, repository: Repository) -> tuple[Ability, ...]:
    """What the token can do with a repository, as far as its scopes and the repository's permissions tell."""
    scopes = facts.scopes
    if scopes is None:
        return (
            Ability("push", None, "Contents: read and write"),
            Ability("pull requests", None, "Pull requests: read and write"),
            Ability("workflow files", None, "Workflows: read and write"),
        )
    full = "repo" in scopes or (not repository.private and "public_repo" in scopes)
    scope = "the scope `public_repo`" if not repository.private else "the scope `repo`"
    return (
        Ability("push", full, scope),
        Ability("pull requests", full, scope),
        Ability("workflow files", full and "workflow" in scopes, "the scope `workflow`; they are held"),
    )


def notes(facts: TokenFacts, repository: Repository, now: float) -> tuple[str, ...]:
    """What the person should know of their token.

    Args:
        facts: The token.
        repository: What it is used for.
        now: Seconds since 1970.
    """
    return tuple(_notes(facts, repository, now))


def _notes(facts: TokenFacts, repository: Repository, now: float) -> Iterator[str]:
    if facts.kind == "installation":
        yield INSTALLATION.format(login=facts.login)
    able = abilities(facts, repository)
    if any(ability.works is False for ability in able):
        yield f"You use {NAMES[facts.kind]}. " + "; ".join(map(str, able)) + "."
    if facts.sso is not None:
        yield f"An organisation wants this token to be authorised: open {facts.sso}."
    if facts.expires is not None and facts.expires - now < SOON:
        day = datetime.fromtimestamp(facts.expires, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        yield (
            f"The token ends on {day}. Until you give a new one to `open`, work then goes to the vault only."
        )
