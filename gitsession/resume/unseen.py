"""A repository that GitHub does not show: why that can be, by the token's kind and whose it is.

GitHub answers 404 alike for a name that does not exist, for a repository that a fine-grained token does not
name, and for one of an organisation whose owner has not approved the token yet; only Apps can list what
awaits approval. See its "Managing your personal access tokens" and "Setting a personal access token policy
for your organization".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitsession.address import Address
from gitsession.errors import GitsessionError, NotFoundError

if TYPE_CHECKING:
    from gitsession.hub import Hub, TokenFacts

OFFERED = "make a private one with create=True (--create)"
SAFE = "Nothing was made or changed."


def not_found(address: Address) -> NotFoundError:
    """The error for a repository that cannot be seen, naming what would make one."""
    return NotFoundError(
        f"There is no repository {address}, or this token cannot see it.",
        safe=SAFE,
        hint=f"Check the name and the token's access, or {OFFERED}.",
    )


def unseen(hub: Hub, address: Address, facts: TokenFacts) -> NotFoundError:
    """The error for a repository that GitHub does not show to this token, with the likeliest way out.

    Args:
        hub: Asked whose the name is, where the token is a fine-grained one.
        address: The repository.
        facts: The token.
    """
    if facts.kind != "fine-grained":
        return not_found(address)
    page = f"{address.url.removesuffix(f'/{address.slug}')}/settings/personal-access-tokens"
    if address.owner.lower() == facts.login.lower():
        return _not_named(address, page)
    match _is_organisation(hub, address.owner):
        case True:
            return _unapproved(address, page)
        case False:
            return _anothers(address)
        case None:
            return not_found(address)


def _is_organisation(hub: Hub, owner: str) -> bool | None:
    try:
        return hub.is_organisation(owner)
    except GitsessionError:
        return None


def _not_named(address: Address, page: str) -> NotFoundError:
    return NotFoundError(
        f"There is no repository {address}, or this fine-grained token does not name it.",
        safe=SAFE,
        hint=f"Check the name, let the token have the repository at {page}, or {OFFERED}.",
    )


def _unapproved(address: Address, page: str) -> NotFoundError:
    owner = address.owner
    return NotFoundError(
        f"This fine-grained token sees no repository {address}: it may still await {owner}'s approval.",
        safe=SAFE,
        hint=(
            f"{page} says whether it is pending; until an owner of {owner} approves it, it sees only what is "
            f"public there. Else check the name, and that the token's resource owner is {owner}."
        ),
    )


def _anothers(address: Address) -> NotFoundError:
    return NotFoundError(
        f"This fine-grained token sees no repository {address}, as none of another person's private ones.",
        safe=SAFE,
        hint="Check the name; as a collaborator there you need a classic token with the scope `repo`.",
    )
