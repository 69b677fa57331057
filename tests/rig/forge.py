"""What a GitHub knows: accounts, tokens, repositories, and who may do what.

Stands for GitHub's database; the git server and the REST stand-in are two doors to it. Does not imitate
organisations' teams, billing, or GitHub's inner replication.
"""

from __future__ import annotations

import itertools
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.rig.discussion import Comment, LineComment, PullRequest, Review
from tests.rig.push_rules import PushRule
from tests.rig.repositories import bare_repository, git
from tests.rig.tokens import ADA_TOKEN, GRACE_TOKEN, Level, Token, highest

__all__ = ["ADA_TOKEN", "GRACE_TOKEN", "Account", "Forge", "Hosted", "Token"]


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
        large: What its LFS store has, by SHA-256.
        lag: How many more looks find its copying unfinished.
        arriving: The commit that a generated repository is to begin with, while it is still empty.
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
    lag: int = 0
    arriving: str | None = None
    large: dict[str, bytes] = field(default_factory=dict)
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    labels: set[str] = field(default_factory=lambda: {"bug", "enhancement"})

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

    @property
    def size(self) -> int:
        """Bytes of its objects."""
        return sum(file.stat().st_size for file in (self.path / "objects").rglob("*") if file.is_file())

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
        self.numbers = itertools.count(9000)
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

    def add_review(
        self, hosted: Hosted, number: int, login: str, state: str = "COMMENTED", body: str = ""
    ) -> Review:
        """Let a reviewer judge a pull request."""
        pull = self.followed(hosted, number)
        review = Review(next(self.numbers), login, state, body, pull.head_commit)
        pull.reviews.append(review)
        return review

    def add_line_comment(
        self, hosted: Hosted, number: int, login: str, body: str, path: str, line: int | None
    ) -> LineComment:
        """Let a reviewer comment on a line of a file, as it is at the head."""
        pull = self.followed(hosted, number)
        comment = LineComment(next(self.numbers), login, body, path, line, pull.head_commit)
        pull.line_comments.append(comment)
        return comment

    def add_comment(self, hosted: Hosted, number: int, login: str, body: str) -> Comment:
        """Let someone join the conversation."""
        comment = Comment(next(self.numbers), login, body)
        hosted.pulls[number].comments.append(comment)
        return comment

    def followed(self, hosted: Hosted, number: int) -> PullRequest:
        """A pull request, its head and `refs/pull/<n>/head` brought up to what was pushed since."""
        pull = hosted.pulls[number]
        source = self.find(pull.head_repository)
        ref = f"refs/heads/{pull.head}"
        found = source.refs(ref).get(ref) if source else None
        if pull.state == "open" and source and found:
            pull.head_commit = found
            hosted.git("fetch", "--quiet", "--no-tags", str(source.path), f"+{ref}:refs/pull/{number}/head")
        return pull

    def merge(self, hosted: Hosted, number: int, *, squash: bool = False) -> str:
        """Merge a pull request as its page's button does; answers with the commit."""
        pull = self.followed(hosted, number)
        base = hosted.git("rev-parse", f"refs/heads/{pull.base}")
        tree = hosted.git("merge-tree", "--write-tree", base, pull.head_commit).split("\n")[0]
        parents = ["-p", base] if squash else ["-p", base, "-p", pull.head_commit]
        message = pull.title if squash else f"Merge pull request #{number} from {pull.head}"
        commit = hosted.git("commit-tree", tree, *parents, "-m", message)
        hosted.git("update-ref", f"refs/heads/{pull.base}", commit, base)
        pull.state, pull.merged, pull.merge_commit = "closed", True, commit
        return commit

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
        if self.outside(token, hosted) or not token.grants(permission, "read"):
            return anyone
        return role if token.grants(permission, "write") else highest([anyone, "read"])

    def outside(self, token: Token, hosted: Hosted) -> bool:
        """Whether a fine-grained token is not for this repository, or not approved yet."""
        if token.scoped:
            return False
        named = token.repositories is None or hosted.full_name in token.repositories
        return not named or not token.approved
