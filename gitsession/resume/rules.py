"""Rules of a repository that stand in the way of session branches: read before the first push, and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitsession.address import Address
from gitsession.errors import GitsessionError
from gitsession.model import SessionName

if TYPE_CHECKING:
    from gitsession.hub import Hub, Rule

STOPPING = {
    "creation": "nobody may create such branches",
    "update": "nobody may update such branches",
    "pull_request": "such branches change by pull request only",
    "required_signatures": "every commit must be signed",
    "required_status_checks": "every push must have passed checks",
    "branch_name_pattern": "branch names must match a pattern",
    "commit_message_pattern": "commit messages must match a pattern",
    "commit_author_email_pattern": "authors' addresses must match a pattern",
    "committer_email_pattern": "committers' addresses must match a pattern",
}


def in_the_way(rules: tuple[Rule, ...]) -> str:
    """What of these rules would refuse a session branch, for people; empty where none would."""
    return "; ".join(dict.fromkeys(STOPPING[rule.type] for rule in rules if rule.type in STOPPING))


def page(address: Address) -> str:
    """Where a repository's rules are changed."""
    return f"{address.url.removesuffix('.git')}/settings/rules"


def rules_told(hub: Hub, home: Address, login: str, session: str | None) -> tuple[str, ...]:
    """A note where rules would refuse the session branch; none where GitHub does not tell.

    Who may bypass a rule is not told, so the push itself decides: where it is refused, the state goes alone.

    Args:
        hub: Asked once.
        home: Where the session's refs live.
        login: Whose session it is.
        session: Its name, as far as that is known.
    """
    try:
        branch = SessionName(login, (session or "new").rpartition("/")[2]).branch
        words = in_the_way(hub.rules(home, branch))
    except GitsessionError:
        return ()
    if not words:
        return ()
    return (
        f"Rules of {home.slug} may refuse {branch}: {words}. Then work goes to its state ref alone, "
        f"which `--branch hidden` asks for. An owner can exclude `session/**` at {page(home)}.",
    )
