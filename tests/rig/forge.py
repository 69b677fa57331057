"""What a GitHub knows: accounts, tokens, repositories, and who may do what.

Stands for GitHub's database; the git server and the REST stand-in are two doors to it. Does not imitate
organisations' teams, billing, or GitHub's inner replication.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from tests.rig.push_rules import PushRule
from tests.rig.repositories import bare_repository, git

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
            return "repo" in self.scopes or (level == "read" and permission == "metadata")
        held = "read" if permission == "metadata" else self.permissions.get(permission, "none")
        return held == "write" or held == level


@dataclass
class Account:
    """A person or an organisation."""

    login: str
    identity: int
    name: str = ""
    email: str | None = None
    organisation: bool = False


@dataclass
class Hosted:
    """A repository on the forge; what is not in git itself.

    Attributes:
        roles: Login to level, beside the owner's `admin`.
        rules: What pushes are checked against.
        refuses_drafts: Draft pull requests answer 422, as in private repositories of free plans.
    """

    owner: str
    name: str
    path: Path
    identity: int
    private: bool = True
    archived: bool = False
    template: bool = False
    fork_of: str | None = None
    generated_from: str | None = None
    default_branch: str = "main"
    roles: dict[str, Level] = field(default_factory=dict)
    rules: list[PushRule] = field(default_factory=list)
    refuses_drafts: bool = False

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    def git(self, *arguments: str) -> str:
        """Run git in the bare repository."""
        return git(self.path, *arguments)

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Every ref below `prefix` and the object it names."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", prefix).splitlines()
        return {line.split(" ")[0]: line.split(" ")[1] for line in lines}

    def read(self, revision: str, path: str) -> str:
        """A file's content at a revision."""
        return self.git("show", f"{revision}:{path}")


class Forge:
    """Accounts, tokens and bare repositories below one folder: `<root>/<owner>/<name>.git`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[str, Token] = {}
        self.repositories: dict[str, Hosted] = {}
        self.renamed: dict[str, str] = {}
        root.mkdir(parents=True, exist_ok=True)

    @classmethod
    def with_sample(cls, root: Path, sample: Path) -> Forge:
        """A forge on which `ada` owns the private `ada/digits`, a copy of `sample`, that `grace` may read."""
        forge = cls(root)
        forge.add_account("ada", name="Ada Lovelace", email="ada@example.org")
        forge.add_account("grace", name="Grace Hopper", email="grace@example.org")
        forge.add_token(Token(ADA_TOKEN, "ada"))
        forge.add_token(Token(GRACE_TOKEN, "grace"))
        forge.add_repository("ada", "digits", source=sample).roles["grace"] = "read"
        return forge

    def add_account(
        self, login: str, *, name: str = "", email: str | None = None, organisation: bool = False
    ) -> Account:
        """Add a person or an organisation."""
        account = Account(login, 1000 + len(self.accounts), name or login.title(), email, organisation)
        self.accounts[login.casefold()] = account
        return account

    def add_token(self, token: Token) -> Token:
        """Make a token valid; adding one with the same value replaces it."""
        self.tokens[token.value] = token
        return token

    def revoke(self, value: str) -> None:
        """Make a token invalid."""
        self.tokens.pop(value, None)

    def add_repository(
        self, owner: str, name: str, *, private: bool = True, source: Path | None = None
    ) -> Hosted:
        """Add a repository, empty or a copy of the bare repository at `source`."""
        path = self.root / owner / f"{name}.git"
        if source is None:
            bare_repository(path)
        else:
            shutil.copytree(source, path, symlinks=True)
        hosted = Hosted(owner, name, path, 5000 + len(self.repositories), private)
        self.repositories[hosted.full_name.casefold()] = hosted
        return hosted

    def rename(self, old: str, new: str) -> Hosted:
        """Rename a repository; its old name answers with a redirect from now on."""
        hosted = self.repositories.pop(old.casefold())
        owner, _, name = new.partition("/")
        path = self.root / owner / f"{name}.git"
        path.parent.mkdir(exist_ok=True)
        hosted.path = hosted.path.rename(path)
        hosted.owner, hosted.name = owner, name
        self.repositories[new.casefold()] = hosted
        self.renamed[old.casefold()] = new
        return hosted

    def find(self, full_name: str) -> Hosted | None:
        """The repository of this name, in any case of letters; None when there is none."""
        return self.repositories.get(full_name.casefold())

    def repository(self, full_name: str = "ada/digits") -> Hosted:
        """The repository of this name, which must be there."""
        return self.repositories[full_name.casefold()]

    def role(self, login: str | None, hosted: Hosted) -> Level:
        """What a person may do in a repository, whatever their token."""
        if login is not None and login.casefold() == hosted.owner.casefold():
            return "admin"
        return highest([hosted.roles.get(login or "", "none"), "none" if hosted.private else "read"])

    def level(self, token: Token | None, hosted: Hosted, permission: str = "contents") -> Level:
        """What a token may do in a repository: the lesser of its owner's role and its own grants."""
        role = self.role(token.login if token else None, hosted)
        if token is None or role == "none":
            return role
        anyone: Level = "none" if hosted.private else "read"
        if self._outside(token, hosted) or not token.grants(permission, "read"):
            return anyone
        return role if token.grants(permission, "write") else highest([anyone, "read"])

    def _outside(self, token: Token, hosted: Hosted) -> bool:
        if token.scoped:
            return False
        named = token.repositories is None or hosted.full_name in token.repositories
        return not named or not token.approved


def highest(levels: Iterable[Level]) -> Level:
    """The most permitting of several levels."""
    return max(levels, key=LEVELS.index)


def at_least(level: Level, wanted: Level) -> bool:
    """Whether a level permits what another one permits."""
    return LEVELS.index(level) >= LEVELS.index(wanted)
