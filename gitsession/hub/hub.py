"""Accounts, repositories and tokens."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import quote, urlsplit

from gitsession.address import GITHUB, Address, github_server
from gitsession.credentials import Token
from gitsession.errors import HubError, NoAnswer, NotFoundError
from gitsession.hub.answers import Repository, Rule, TokenFacts, User, token_kind
from gitsession.hub.door import Door
from gitsession.hub.pulls import Pulls

TIMEOUT = 15.0
READY_WITHIN = 120.0  # a fork or a generated repository is copied in the background
READY_POLL = 2.0
_VIEWER = "query { viewer { login databaseId } }"


def api_url(host: str, environ: Mapping[str, str]) -> str:
    """The API of a server: `GITHUB_API_URL` for that of `GITHUB_SERVER_URL`, else by GitHub's convention.

    Example:
        >>> api_url("git.example.org", {})
        'https://git.example.org/api/v3'
    """
    server = urlsplit(github_server(environ)).netloc.lower()
    named = environ.get("GITHUB_API_URL")
    if named and host.lower() == server:
        return named.rstrip("/")
    if host == GITHUB:
        return f"https://api.{GITHUB}"
    return f"https://api.{host}" if host.endswith(".ghe.com") else f"https://{host}/api/v3"


class Hub:
    """GitHub as one account sees it.

    Args:
        token: Gives the token whenever one is needed; None where there is none.
        api_url: The API's root, see `api_url`.
        timeout: Seconds until a silent connection is given up.
        between_writes: Seconds between two changing requests; GitHub asks for one.
        sleep: How to wait.

    Every method raises `AuthorisationError` without a token or with one that is refused or may not do this,
    `NotFoundError`, `RateLimited` when GitHub asks for a long wait, `NoAnswer` when none came after some
    repetitions, and `HubError` for every other refusal.
    """

    def __init__(
        self,
        token: Callable[[], Token | str | None],
        api_url: str,
        timeout: float = TIMEOUT,
        *,
        between_writes: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._door = Door(token, api_url, timeout, between_writes=between_writes, sleep=sleep)
        self._sleep = sleep
        host = urlsplit(api_url).netloc.lower()
        self._server = GITHUB if host == f"api.{GITHUB}" else host.removeprefix("api.")

    def user(self) -> User:
        """Whose token it is."""
        return self.introduction()[0]

    def token_facts(self) -> TokenFacts:
        """The token's kind, scopes, end, and whether an organisation wants it authorised."""
        return self.introduction()[1]

    def introduction(self) -> tuple[User, TokenFacts]:
        """Whose token it is and what is known of it, by one request."""
        if self._is_installation():
            return self._installation()
        answer = self._door.read("reading your account", "/user")
        facts = TokenFacts.from_headers(answer.body["login"], self._door.token(), answer.headers)
        return User.from_json(answer.body, self._server), facts

    def _is_installation(self) -> bool:
        return token_kind(self._door.token()) == "installation"

    def _installation(self) -> tuple[User, TokenFacts]:
        """Of an app's installation, which is no person: `GET /user` answers 403 to its token."""
        found = self._door.retried(lambda: self._door.graphql("reading the app's account", _VIEWER, {}))
        user = User.of_app(found["viewer"], self._server)
        return user, TokenFacts(user.login, "installation", None, None, None)

    def repository(self, address: Address | str) -> Repository:
        """A repository and what the token may do with it; an old name gives the renamed one.

        Of an installation GitHub says that it may not push, whether it may or not: here it may.
        """
        name = _slug(address)
        found = Repository.from_json(self._door.read(f"reading {name}", _path(name)).body)
        return replace(found, can_push=True) if self._is_installation() else found

    def find_repository(self, address: Address | str) -> Repository | None:
        """The repository, or None where this token sees none."""
        try:
            return self.repository(address)
        except NotFoundError:
            return None

    def is_organisation(self, login: str) -> bool | None:
        """Whether an account is an organisation; None where there is no such account."""
        try:
            answer = self._door.read(f"looking for {login}", f"/users/{quote(login, safe='')}")
        except NotFoundError:
            return None
        return bool(answer.body["type"] == "Organization")

    def repositories(self, owner: str, pattern: str = "*") -> tuple[Repository, ...]:
        """Those of an account or organisation whose names match a pattern such as `hw1-*`."""
        named = quote(owner, safe="")
        try:
            found = self._repositories(owner, f"/orgs/{named}/repos")
        except NotFoundError:
            mine = owner.lower() == self.user().login.lower()
            found = self._repositories(owner, "/user/repos" if mine else f"/users/{named}/repos")
        prefix = f"{owner.lower()}/"
        names = [(each.full_name.lower(), each) for each in found]
        return tuple(
            each
            for name, each in names
            if name.startswith(prefix) and fnmatch.fnmatchcase(name.removeprefix(prefix), pattern.lower())
        )

    def _repositories(self, owner: str, path: str) -> list[Repository]:
        entries = self._door.pages(f"listing the repositories of {owner}", path)
        return [Repository.from_json(entry) for entry in entries]

    def create(self, address: Address | str) -> Repository:
        """A new, empty, private repository; the one that is there already, where there is one."""
        name = _slug(address)
        owner, _, short = name.partition("/")
        mine = owner.lower() == self.user().login.lower()
        path = "/user/repos" if mine else f"/orgs/{quote(owner, safe='')}/repos"
        body = {"name": short, "private": True, "auto_init": False}

        def attempt() -> Repository:
            answer = self._door.once(f"creating {name}", "POST", path, body=body)
            return Repository.from_json(answer.body)

        return self._make(attempt, lambda: self.find_repository(name))

    def fork(self, address: Address | str) -> Repository:
        """The user's fork of a repository, made if there is none; returns when git can use it.

        Raises:
            NoAnswer: It is not ready within two minutes.
        """
        name = _slug(address)

        def attempt() -> Repository:
            body = {"default_branch_only": False}
            answer = self._door.once(f"forking {name}", "POST", f"{_path(name)}/forks", body=body)
            return Repository.from_json(answer.body)

        return self._ready(self._make(attempt, lambda: self.own_fork(name)))

    def own_fork(self, address: Address | str) -> Repository | None:
        """The user's fork of a repository that goes by its name, None without one."""
        name, login = _slug(address), self.user().login
        found = self.find_repository(f"{login}/{name.partition('/')[2]}")
        return found if found and found.parent and found.parent.lower() == name.lower() else None

    def generate(self, template: Address | str, name: str) -> Repository:
        """A private repository of the user's own from a template; the one made from it before, if there is.

        Raises:
            HubError: Another repository has that name.
            NoAnswer: It is not ready within two minutes.
        """
        copied = self.own_copy(template, name)
        if copied is not None:
            return self._ready(copied)
        source, login = _slug(template), self.user().login
        body = {"owner": login, "name": name, "private": True}

        def attempt() -> Repository:
            answer = self._door.once(f"copying {source}", "POST", f"{_path(source)}/generate", body=body)
            return Repository.from_json(answer.body)

        return self._ready(self._make(attempt, lambda: self.own_copy(source, name)))

    def own_copy(self, template: Address | str, name: str) -> Repository | None:
        """The user's repository of a name, where it was made from a template; else None."""
        found = self.find_repository(f"{self.user().login}/{name}")
        return found if found and (found.made_from or "").lower() == _slug(template).lower() else None

    def _make(self, attempt: Callable[[], Repository], find: Callable[[], Repository | None]) -> Repository:
        """`create` by the door; a refusal because it exists is an answer where `find` finds it."""
        try:
            return self._door.create(attempt, find)
        except HubError as error:
            found = find() if type(error) is HubError else None
            if found is None:
                raise
            return found

    def _ready(self, repository: Repository) -> Repository:
        name = repository.full_name
        branch = f"{_path(name)}/branches/{quote(repository.default_branch, safe='')}"
        for _ in range(round(READY_WITHIN / READY_POLL)):
            try:
                self._door.read(f"waiting for {name}", branch)
                return self.repository(name)
            except NotFoundError:
                self._sleep(READY_POLL)
        raise NoAnswer(f"GitHub is still copying {name}.", hint="Open it again in a few minutes.")

    def rules(self, address: Address | str, branch: str) -> tuple[Rule, ...]:
        """The rules that would apply to a branch, also to one that does not exist yet."""
        name = _slug(address)
        path = f"{_path(name)}/rules/branches/{quote(branch, safe='')}"
        return tuple(Rule.from_json(rule) for rule in self._door.pages(f"reading the rules of {name}", path))

    def pulls(self, address: Address | str) -> Pulls:
        """The pull requests of a repository."""
        return Pulls(self._door, _slug(address))


def _slug(address: Address | str) -> str:
    return address if isinstance(address, str) else address.slug


def _path(name: str) -> str:
    owner, _, short = name.partition("/")
    return f"/repos/{quote(owner, safe='')}/{quote(short, safe='')}"
