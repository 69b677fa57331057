"""The operations of GitHub's API that the stand-in serves, by their names in the OpenAPI description.

The words of refusals: dyad-sh/dyad#1914 (a name that is taken), osunyorg/admin#3986 (from a template).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.rig.forge import Forge, Hosted
from tests.rig.hub_access import Needs, Refused, admit, invalid
from tests.rig.hub_answers import Answers, Json
from tests.rig.tokens import Token

NAME_TAKEN = "name already exists on this account"
OFTEN = {"limit": 5000, "remaining": 5000, "used": 0, "reset": 0}


@dataclass(frozen=True)
class Reply:
    """A success: its status and the fields that are written by hand; None is no body."""

    status: int
    body: Any = None


@dataclass(frozen=True)
class Asked:
    """One request, its parameters decoded; `lag` is how many looks at a fresh copy find it unfinished."""

    forge: Forge
    token: Token | None
    site: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json
    lag: int = 0
    needs: Needs = field(default_factory=Needs)

    @property
    def answers(self) -> Answers:
        """Writes what this token sees."""
        return Answers(self.forge, self.token, self.site)

    @property
    def login(self) -> str:
        """Whose token it is.

        Raises:
            Refused: It came without one.
        """
        if self.token is None:
            raise Refused(401, "Requires authentication")
        return self.token.login

    @property
    def hosted(self) -> Hosted:
        """The repository that the path names.

        Raises:
            Refused: The token does not see it, or may not do this to it.
        """
        owner = self.path.get("owner") or self.path["template_owner"]
        name = self.path.get("repo") or self.path["template_repo"]
        return admit(self.forge, self.token, self.forge.find(f"{owner}/{name}"), self.needs)


Serve = Callable[[Asked], Reply]
OPERATIONS: dict[str, tuple[Needs, Serve]] = {}


def operation(name: str, needs: Needs | None = None) -> Callable[[Serve], Serve]:
    """Register what serves an operation."""

    def register(serve: Serve) -> Serve:
        OPERATIONS[name] = (needs or Needs(), serve)
        return serve

    return register


@operation("users/get-authenticated")
def _me(asked: Asked) -> Reply:
    if asked.token and asked.token.kind == "app":
        raise Refused(403, "Resource not accessible by integration")
    return Reply(200, asked.answers.profile(asked.forge.accounts[asked.login.casefold()]))


@operation("users/get-by-username")
def _user(asked: Asked) -> Reply:
    account = asked.forge.accounts.get(asked.path["username"].casefold())
    if account is None:
        raise Refused(404, "Not Found")
    return Reply(200, asked.answers.profile(account))


@operation("rate-limit/get")
def _rate_limit(asked: Asked) -> Reply:
    return Reply(200, {"resources": {"core": OFTEN, "search": OFTEN}, "rate": OFTEN})


@operation("repos/list-for-authenticated-user")
def _own_repositories(asked: Asked) -> Reply:
    return _listed(asked, asked.login)


@operation("repos/list-for-user")
def _repositories_of_user(asked: Asked) -> Reply:
    return _listed(asked, asked.path["username"], public_only=True)


@operation("repos/list-for-org")
def _repositories_of_organisation(asked: Asked) -> Reply:
    account = asked.forge.accounts.get(asked.path["org"].casefold())
    if account is None or not account.organisation:
        raise Refused(404, "Not Found")
    return _listed(asked, asked.path["org"])


def _listed(asked: Asked, owner: str, *, public_only: bool = False) -> Reply:
    found = [
        asked.answers.repository(hosted, nested=False)
        for hosted in asked.forge.repositories.values()
        if hosted.owner.casefold() == owner.casefold()
        and asked.forge.level(asked.token, hosted, "metadata") != "none"
        and not (public_only and hosted.private)
    ]
    return Reply(200, found)


@operation("repos/get")
def _repository(asked: Asked) -> Reply:
    return Reply(200, asked.answers.repository(asked.hosted))


@operation("repos/create-for-authenticated-user")
def _create(asked: Asked) -> Reply:
    return _created(asked, asked.login)


@operation("repos/create-in-org")
def _create_in_organisation(asked: Asked) -> Reply:
    account = asked.forge.accounts.get(asked.path["org"].casefold())
    if account is None or not account.organisation:
        raise Refused(404, "Not Found")
    return _created(asked, account.login)


def _created(asked: Asked, owner: str) -> Reply:
    name = str(asked.body["name"])
    if asked.token and not asked.token.grants("administration", "write"):
        raise Refused(403, "Resource not accessible by personal access token")
    if asked.forge.find(f"{owner}/{name}"):
        error = {"resource": "Repository", "code": "custom", "field": "name", "message": NAME_TAKEN}
        raise Refused(422, "Repository creation failed.", [error])
    hosted = asked.forge.add_repository(owner, name, private=bool(asked.body.get("private")))
    hosted.roles[asked.login] = "admin"
    return Reply(201, asked.answers.repository(hosted))


@operation("repos/create-fork")
def _fork(asked: Asked) -> Reply:
    source, owner = asked.hosted, asked.body.get("organization") or asked.login
    if owner.casefold() == source.owner.casefold():
        raise Refused(403, "You cannot fork your own repository.")
    forks = [hosted for hosted in asked.forge.repositories.values() if hosted.fork_of == source.full_name]
    mine = next((hosted for hosted in forks if hosted.owner == owner), None)
    if mine is None:
        name = _free_name(asked.forge, owner, str(asked.body.get("name") or source.name))
        mine = asked.forge.add_repository(owner, name, private=source.private, source=source.path)
        mine.fork_of, mine.default_branch, mine.lag = source.full_name, source.default_branch, asked.lag
    return Reply(202, asked.answers.repository(mine))


def _free_name(forge: Forge, owner: str, name: str) -> str:
    """GitHub numbers a fork whose name is taken."""
    count = 0
    while forge.find(f"{owner}/{name}-{count}" if count else f"{owner}/{name}"):
        count += 1
    return f"{name}-{count}" if count else name


@operation("repos/create-using-template")
def _generate(asked: Asked) -> Reply:
    source = asked.hosted
    owner, name = str(asked.body.get("owner") or asked.login), str(asked.body["name"])
    if not source.template:
        raise Refused(404, "Not Found")
    if asked.forge.find(f"{owner}/{name}"):
        raise Refused(422, f"Could not clone: {NAME_TAKEN.capitalize()}")
    hosted = asked.forge.add_repository(owner, name, private=bool(asked.body.get("private")))
    hosted.generated_from, hosted.lag = source.full_name, asked.lag
    tree = source.git("rev-parse", f"{source.default_branch}^{{tree}}")
    hosted.git("fetch", "--quiet", str(source.path), source.default_branch)
    hosted.arriving = hosted.git("commit-tree", tree, "-m", "Initial commit")
    _arrive(hosted)
    return Reply(201, asked.answers.repository(hosted))


def _arrive(hosted: Hosted) -> None:
    """A generated repository is empty, for git too, until its copying is over."""
    if hosted.arriving is not None and hosted.lag == 0:
        hosted.git("update-ref", f"refs/heads/{hosted.default_branch}", hosted.arriving)
        hosted.arriving = None


@operation("repos/get-collaborator-permission-level")
def _permission(asked: Asked) -> Reply:
    role = asked.forge.role(asked.path["username"], asked.hosted)
    return Reply(
        200, {"permission": role, "role_name": role, "user": asked.answers.account(asked.path["username"])}
    )


@operation("repos/list-branches", Needs("contents"))
def _branches(asked: Asked) -> Reply:
    prefix = "refs/heads/"
    found = asked.hosted.refs(prefix).items()
    return Reply(
        200, [asked.answers.branch(asked.hosted, ref.removeprefix(prefix), oid) for ref, oid in found]
    )


@operation("repos/get-branch", Needs("contents"))
def _branch(asked: Asked) -> Reply:
    hosted, ref = asked.hosted, f"refs/heads/{asked.path['branch']}"
    found = hosted.refs(ref).get(ref)
    if hosted.lag > 0:
        hosted.lag, found = hosted.lag - 1, None
        _arrive(hosted)
    if found is None:
        raise Refused(404, "Branch not found")
    return Reply(200, asked.answers.branch(hosted, asked.path["branch"], found))


@operation("repos/get-branch-rules")
def _rules(asked: Asked) -> Reply:
    return Reply(200, asked.answers.rules(asked.hosted, asked.path["branch"]))


@operation("git/get-ref", Needs("contents"))
def _ref(asked: Asked) -> Reply:
    name = f"refs/{asked.path['ref']}"
    found = asked.hosted.refs(name).get(name)
    if found is None:
        raise Refused(404, "Not Found")
    return Reply(200, asked.answers.ref(asked.hosted, name, found))


@operation("git/list-matching-refs", Needs("contents"))
def _matching_refs(asked: Asked) -> Reply:
    prefix = f"refs/{asked.path['ref']}"
    found = [(ref, oid) for ref, oid in asked.hosted.refs().items() if ref.startswith(prefix)]
    return Reply(200, [asked.answers.ref(asked.hosted, ref, oid) for ref, oid in found])


@operation("git/delete-ref", Needs("contents", "write", "write"))
def _delete_ref(asked: Asked) -> Reply:
    name = f"refs/{asked.path['ref']}"
    if name not in asked.hosted.refs(name):
        raise Refused(422, "Reference does not exist")
    asked.hosted.git("update-ref", "-d", name)
    return Reply(204)


def over_long(resource: str, text: str, limit: int) -> None:
    """GitHub's limit on what people write.

    Raises:
        Refused: `text` has more characters than `limit`.
    """
    if len(text) > limit:
        raise invalid(resource, "body", f"body is too long (maximum is {limit} characters)")
