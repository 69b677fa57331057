"""The operations on pull requests, their conversation and their reviews.

The words of refusals: gm3dmo/the-power#175 (it exists), tgymnich/fork-sync#112 (no commits between),
SWE-agent/SWE-agent#179 (no drafts), dailymotion-oss/octopilot#134 (an invalid field).
"""

from __future__ import annotations

from tests.rig.discussion import COMMENT_LIMIT, PullRequest
from tests.rig.forge import Hosted
from tests.rig.hub_access import Needs, Refused, invalid
from tests.rig.hub_answers import Json
from tests.rig.hub_operations import Asked, Reply, operation, over_long

READ = Needs("pull_requests")
WRITE = Needs("pull_requests", "write")
MAINTAIN = Needs("pull_requests", "write", "write")
NO_DRAFTS = "Draft pull requests are not supported in this repository."


def _pull(asked: Asked) -> tuple[Hosted, PullRequest]:
    hosted = asked.hosted
    pull = hosted.pulls.get(int(asked.path.get("pull_number") or asked.path["issue_number"]))
    if pull is None:
        raise Refused(404, "Not Found")
    return hosted, pull


@operation("pulls/list", READ)
def _list(asked: Asked) -> Reply:
    hosted, state = asked.hosted, asked.query.get("state", "open")
    owner, colon, branch = asked.query.get("head", "").partition(":")
    found = [
        asked.answers.pull(hosted, pull)
        for pull in sorted(hosted.pulls.values(), key=lambda pull: -pull.number)
        if state in ("all", pull.state)
        and asked.query.get("base", pull.base) == pull.base
        and (not colon or (pull.head_repository.partition("/")[0], pull.head) == (owner, branch))
    ]
    return Reply(200, found)


@operation("pulls/create", WRITE)
def _create(asked: Asked) -> Reply:
    hosted, body = asked.hosted, asked.body
    source, branch = _head(asked, hosted)
    over_long("PullRequest", str(body.get("body") or ""), COMMENT_LIMIT)
    commit = source.refs(f"refs/heads/{branch}").get(f"refs/heads/{branch}") if source else None
    if source is None or commit is None:
        raise invalid("PullRequest", "head")
    if f"refs/heads/{body['base']}" not in hosted.refs("refs/heads/"):
        raise invalid("PullRequest", "base")
    number = max(hosted.pulls, default=0) + 1
    pull = PullRequest(
        number=number,
        identity=next(asked.forge.numbers),
        login=asked.login,
        title=str(body.get("title") or ""),
        body=str(body.get("body") or ""),
        head_repository=source.full_name,
        head=branch,
        head_commit=commit,
        base=str(body["base"]),
        draft=bool(body.get("draft")),
    )
    _check(hosted, source, pull)
    hosted.pulls[number] = pull
    return Reply(201, asked.answers.pull(hosted, pull))


def _head(asked: Asked, hosted: Hosted) -> tuple[Hosted | None, str]:
    """The repository and branch that `branch` or `owner:branch` names; it may lie in that owner's fork."""
    owner, colon, branch = str(asked.body["head"]).partition(":")
    if not colon or owner.casefold() == hosted.owner.casefold():
        return hosted, branch if colon else owner
    forks = [fork for fork in asked.forge.repositories.values() if fork.fork_of == hosted.full_name]
    return next((fork for fork in forks if fork.owner.casefold() == owner.casefold()), None), branch


def _check(hosted: Hosted, source: Hosted, pull: PullRequest) -> None:
    sides = f"{pull.base} and {pull.head}"
    if source is not hosted:
        sides = f"{hosted.owner}:{pull.base} and {source.owner}:{pull.head}"
    base = hosted.git("rev-parse", f"refs/heads/{pull.base}")
    if not _commits_between(source, hosted, base, pull.head_commit):
        raise invalid("PullRequest", message=f"No commits between {sides}")
    for other in hosted.pulls.values():
        same = (other.head_repository, other.head, other.base) == (source.full_name, pull.head, pull.base)
        if same and other.state == "open":
            raise invalid(
                "PullRequest", message=f"A pull request already exists for {source.owner}:{pull.head}."
            )
    if pull.draft and hosted.refuses_drafts:
        raise Refused(422, NO_DRAFTS)


def _commits_between(source: Hosted, hosted: Hosted, base: str, head: str) -> bool:
    if source is not hosted:
        hosted.git("fetch", "--quiet", "--no-tags", str(source.path), head)
    return bool(hosted.git("rev-list", "--max-count=1", head, f"^{base}"))


@operation("pulls/get", READ)
def _get(asked: Asked) -> Reply:
    return Reply(200, asked.answers.pull(*_pull(asked)))


@operation("pulls/update", WRITE)
def _update(asked: Asked) -> Reply:
    hosted, pull = _pull(asked)
    over_long("PullRequest", str(asked.body.get("body") or ""), COMMENT_LIMIT)
    for name in ("title", "body", "state", "base"):
        if name in asked.body:
            setattr(pull, name, asked.body[name] or "")
    return Reply(200, asked.answers.pull(hosted, pull))


@operation("pulls/list-reviews", READ)
def _reviews(asked: Asked) -> Reply:
    hosted, pull = _pull(asked)
    return Reply(200, [asked.answers.review(hosted, pull, review) for review in pull.reviews])


@operation("pulls/list-review-comments", READ)
def _line_comments(asked: Asked) -> Reply:
    hosted, pull = _pull(asked)
    return Reply(200, [asked.answers.line_comment(hosted, pull, comment) for comment in pull.line_comments])


@operation("pulls/request-reviewers", MAINTAIN)
def _request_reviewers(asked: Asked) -> Reply:
    hosted, pull = _pull(asked)
    for login in asked.body.get("reviewers", ()):
        if asked.forge.role(login, hosted) == "none" or login not in asked.forge.accounts:
            raise Refused(422, f"Reviews may only be requested from collaborators. {login} is not one.")
        if login not in pull.reviewers:
            pull.reviewers.append(login)
    return Reply(201, asked.answers.pull(hosted, pull))


@operation("issues/list-comments", READ)
def _comments(asked: Asked) -> Reply:
    hosted, pull = _pull(asked)
    return Reply(200, [asked.answers.comment(hosted, pull, comment) for comment in pull.comments])


@operation("issues/create-comment", WRITE)
def _comment(asked: Asked) -> Reply:
    hosted, pull = _pull(asked)
    over_long("IssueComment", str(asked.body["body"]), COMMENT_LIMIT)
    comment = asked.forge.add_comment(hosted, pull.number, asked.login, str(asked.body["body"]))
    return Reply(201, asked.answers.comment(hosted, pull, comment))


@operation("issues/get-comment", READ)
def _get_comment(asked: Asked) -> Reply:
    return Reply(200, _one_comment(asked))


@operation("issues/update-comment", WRITE)
def _edit_comment(asked: Asked) -> Reply:
    over_long("IssueComment", str(asked.body["body"]), COMMENT_LIMIT)
    return Reply(200, _one_comment(asked, str(asked.body["body"])))


def _one_comment(asked: Asked, body: str | None = None) -> Json:
    hosted = asked.hosted
    for pull in hosted.pulls.values():
        for comment in pull.comments:
            if comment.identity == int(asked.path["comment_id"]):
                comment.body = comment.body if body is None else body
                return asked.answers.comment(hosted, pull, comment)
    raise Refused(404, "Not Found")


@operation("issues/list-labels-on-issue", READ)
def _labels(asked: Asked) -> Reply:
    _, pull = _pull(asked)
    return Reply(200, [asked.answers.label(name) for name in pull.labels])


@operation("issues/add-labels", MAINTAIN)
def _add_labels(asked: Asked) -> Reply:
    """A label that the repository lacks is made, as GitHub does."""
    hosted, pull = _pull(asked)
    for name in asked.body["labels"]:
        hosted.labels.add(name)
        pull.labels += [] if name in pull.labels else [name]
    return _labels(asked)
