"""Who the token belongs to and what it may do: where the session will live, and what its owner must know."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitsession.address import GITHUB, Address, github_server, parse_address
from gitsession.credentials import Token
from gitsession.errors import AuthorisationError, HubError
from gitsession.model import Identity
from gitsession.resume import token as token_words
from gitsession.resume.options import Options
from gitsession.resume.rules import rules_told
from gitsession.resume.unseen import unseen

if TYPE_CHECKING:
    from gitsession.hub import Hub, Repository, TokenFacts

PUBLIC = (
    "This repository is public: work in progress on the session branch is public within seconds. "
    "publish=False (--no-publish) keeps it in the vault."
)
NO_TOKEN = (
    "Without a token nothing is pushed: work goes to the vault only. "
    "Give one as GITHUB_TOKEN, token= or --token-command, or log in with `gh auth login`."
)


@dataclass(frozen=True)
class Standing:
    """How the person stands to the repository.

    Args:
        address: The repository; its new name where it was renamed, or the copy made from a template.
        fork: The person's fork, where the session lives because the repository itself may not be pushed to.
        login: Whose token it is; None while GitHub cannot say.
        identity: Whom GitHub would have commits name.
        publish: Whether anything can be pushed.
        may_push: GitHub says that the person may push to the repository itself.
        workflows: Whether `.github/workflows` may be pushed, unless GitHub is known to refuse it.
        notes: What the person should know.
        size: Bytes of the whole repository; 0 where GitHub does not say.
    """

    address: Address
    fork: Address | None = None
    login: str | None = None
    identity: Identity | None = None
    publish: bool = True
    may_push: bool = False
    workflows: bool = True
    notes: tuple[str, ...] = ()
    size: int = 0

    @property
    def home(self) -> Address:
        """Where the session's refs live."""
        return self.fork or self.address


def is_github(address: Address, environ: Mapping[str, str]) -> bool:
    """Whether the repository's server is GitHub, or the GitHub Enterprise of `GITHUB_SERVER_URL`."""
    server = github_server(environ)
    return address.is_https and (address.host == GITHUB or address.url.startswith(f"{server}/"))


def stand(address: Address, options: Options, token: Token | None, environ: Mapping[str, str]) -> Standing:
    """Ask GitHub, where it is GitHub and a token is there; make what the person wants made.

    Raises:
        NotFoundError: There is no such repository, or the token cannot see it.
        AuthorisationError: The token is refused, or one is needed.
        HubError: A repository or fork that was asked for could not be made.
    """
    if not is_github(address, environ):
        return Standing(address, publish=options.publish)
    if token is None:
        return _without_token(address, options)
    from gitsession.hub import Hub, api_url

    hub = Hub(lambda: token, api_url(address.host, environ))
    try:
        user, facts = hub.introduction()
    except HubError as error:
        note = f"GitHub's API does not answer ({error.what}), so permissions were not checked."
        return Standing(address, publish=options.publish, notes=(note,))
    found = _find(hub, address, options, facts)
    there = Standing(
        renamed(address, found.full_name),
        None,
        user.login,
        user.identity,
        publish=options.publish,
        may_push=found.can_push,
        workflows=facts.may_change_workflows is not False,
        size=found.size,
    )
    settled = _settled(hub, found, there, options)
    told = token_words.notes(facts, found, time.time()) if options.publish else ()
    if settled.publish and options.branch == "visible":
        told += rules_told(hub, settled.home, user.login, options.session)
    return replace(settled, notes=(*settled.notes, *told))


def _without_token(address: Address, options: Options) -> Standing:
    if options.create:
        raise AuthorisationError(
            "Making a repository needs a token.", hint="Give one as GITHUB_TOKEN, token= or --token-command."
        )
    return Standing(address, publish=False, notes=(NO_TOKEN,) if options.publish else ())


def _find(hub: Hub, address: Address, options: Options, facts: TokenFacts) -> Repository:
    found = hub.find_repository(address)
    if found is not None:
        return found
    if options.create:
        return hub.create(address)
    raise unseen(hub, address, facts)


def _settled(hub: Hub, found: Repository, there: Standing, options: Options) -> Standing:
    """Where the session lives: the repository itself, a copy of a template, a fork, or the vault only."""
    if found.template and not found.can_push and options.publish and options.fork != "never":
        copy = _copy(hub, there.address)
        made = f"{there.address} is a template: your private copy {copy.full_name} was made from it."
        return replace(there, address=renamed(there.address, copy.full_name), may_push=True, notes=(made,))
    wants_fork = options.fork == "always" or (options.fork == "auto" and not found.can_push)
    if not options.publish or (found.can_push and not found.archived and options.fork != "always"):
        return replace(there, notes=(PUBLIC,) if options.publish and not found.private else ())
    if wants_fork and not found.archived:
        fork = hub.fork(there.address)
        said = f"You may not push to {there.address}: the session lives in your fork {fork.full_name}."
        notes = (said,) if fork.private else (said, PUBLIC)
        return replace(there, fork=renamed(there.address, fork.full_name), notes=notes)
    why = "is archived" if found.archived else "may not be pushed to with this token"
    return replace(there, publish=False, notes=(f"{there.address} {why}: work goes to the vault only.",))


def _copy(hub: Hub, template: Address) -> Repository:
    try:
        return hub.generate(template, template.name)
    except HubError as error:
        if type(error) is HubError and "already exists" in error.what:
            error.hint = (
                f"You have another repository of the name {template.name}: copy {template.slug} on GitHub by "
                "'Use this template' under another name, and open that one."
            )
        raise


def renamed(address: Address, full_name: str) -> Address:
    """The same address under another name on its server, such as the one that GitHub gives it now."""
    if address.slug.lower() == full_name.lower():
        return address
    server = address.url.removesuffix(f"/{address.slug}")
    new = parse_address(f"{server}/{full_name}", server_url=server)
    return replace(new, ref=address.ref, file=address.file, pull=address.pull)
