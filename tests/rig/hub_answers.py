"""GitHub's answers as JSON: what the product reads is written here, the description completes the rest."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from typing import Any

from tests.rig.discussion import BASE_TIME, Comment, LineComment, PullRequest, Review
from tests.rig.forge import Account, Forge, Hosted
from tests.rig.rulesets import Ruleset
from tests.rig.tokens import Level, Token, at_least

Json = dict[str, Any]
PERMISSIONS: dict[str, Level] = {"admin": "admin", "push": "write", "pull": "read"}


@dataclass(frozen=True)
class Answers:
    """Writes what one token sees of a forge at `site`."""

    forge: Forge
    token: Token | None
    site: str

    def account(self, login: str) -> Json:
        """A person or an organisation, as it stands inside other answers."""
        account = self.forge.accounts.get(login.casefold()) or Account(login, 1)
        return {
            "login": account.login,
            "id": account.identity,
            "node_id": _node("User", account.identity),
            "html_url": f"{self.site}/{account.login}",
            "type": "Organization" if account.organisation else "User",
        }

    def profile(self, account: Account) -> Json:
        """An account of its own; the mail address is null when it is kept private."""
        return {**self.account(account.login), "name": account.name, "email": account.email}

    def repository(self, hosted: Hosted, *, nested: bool = True) -> Json:
        """A repository; its permissions are the person's, whatever the token grants; an app has none."""
        role = self.forge.role(self.token.login if self.token else None, hosted)
        if self.token and self.token.kind == "app":
            role = "none"
        found: Json = {
            "id": hosted.identity,
            "node_id": _node("Repository", hosted.identity),
            "name": hosted.name,
            "full_name": hosted.full_name,
            "owner": self.account(hosted.owner),
            "private": hosted.private,
            "visibility": "private" if hosted.private else "public",
            "fork": hosted.fork_of is not None,
            "archived": hosted.archived,
            "is_template": hosted.template,
            "default_branch": hosted.default_branch,
            "url": f"{self.site}/api/v3/repos/{hosted.full_name}",
            "html_url": f"{self.site}/{hosted.full_name}",
            "clone_url": f"{self.site}/{hosted.full_name}.git",
            "size": hosted.size // 1024,
            "permissions": {name: at_least(role, level) for name, level in PERMISSIONS.items()},
        }
        relatives = {
            "parent": hosted.fork_of,
            "source": hosted.fork_of,
            "template_repository": hosted.generated_from,
        }
        for field, name in relatives.items() if nested else ():
            relative = self.forge.find(name) if name else None
            if relative:
                found[field] = self.repository(relative, nested=False)
        return found

    def branch(self, hosted: Hosted, name: str, commit: str) -> Json:
        """A branch and the commit it is at."""
        protected = any(
            isinstance(rule, Ruleset) and rule.covers(f"refs/heads/{name}") for rule in hosted.rules
        )
        return {
            "name": name,
            "protected": protected,
            "commit": {"sha": commit, "url": self._commit(hosted, commit)},
        }

    def ref(self, hosted: Hosted, name: str, commit: str) -> Json:
        """A ref and the object it names."""
        kind = hosted.git("cat-file", "-t", commit)
        target = {"type": kind, "sha": commit, "url": self._commit(hosted, commit)}
        return {
            "ref": name,
            "node_id": _node("Ref", 1),
            "url": f"{self._root(hosted)}/git/{name}",
            "object": target,
        }

    def pull(self, hosted: Hosted, pull: PullRequest) -> Json:
        """A pull request, its head as it was pushed last."""
        pull = self.forge.followed(hosted, pull.number)
        page = f"{self.site}/{hosted.full_name}/pull/{pull.number}"
        return {
            "url": f"{self._root(hosted)}/pulls/{pull.number}",
            "html_url": page,
            "issue_url": f"{self._root(hosted)}/issues/{pull.number}",
            "comments_url": f"{self._root(hosted)}/issues/{pull.number}/comments",
            "review_comments_url": f"{self._root(hosted)}/pulls/{pull.number}/comments",
            "id": pull.identity,
            "node_id": pull.node,
            "number": pull.number,
            "state": pull.state,
            "title": pull.title,
            "body": pull.body,
            "draft": pull.draft,
            "user": self.account(pull.login),
            "labels": [self.label(name) for name in pull.labels],
            "requested_reviewers": [self.account(login) for login in pull.reviewers],
            "head": self._side(self.forge.find(pull.head_repository), pull.head, pull.head_commit),
            "base": self._side(hosted, pull.base, hosted.git("rev-parse", f"refs/heads/{pull.base}")),
            "merged": pull.merged,
            "merged_at": moment(pull.identity) if pull.merged else None,
            "closed_at": moment(pull.identity) if pull.state == "closed" else None,
            "merge_commit_sha": pull.merge_commit,
            "created_at": moment(pull.identity),
            "updated_at": moment(pull.identity),
            "comments": len(pull.comments),
            "review_comments": len(pull.line_comments),
            "author_association": "OWNER" if pull.login == hosted.owner else "CONTRIBUTOR",
        }

    def _side(self, hosted: Hosted | None, branch: str, commit: str) -> Json:
        owner = hosted.owner if hosted else "unknown repository"
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": commit,
            "user": self.account(owner),
            "repo": self.repository(hosted, nested=False) if hosted else None,
        }

    def comment(self, hosted: Hosted, pull: PullRequest, comment: Comment) -> Json:
        """A comment in a conversation."""
        return {
            "id": comment.identity,
            "node_id": _node("IssueComment", comment.identity),
            "url": f"{self._root(hosted)}/issues/comments/{comment.identity}",
            "html_url": f"{self.site}/{hosted.full_name}/pull/{pull.number}#issuecomment-{comment.identity}",
            "issue_url": f"{self._root(hosted)}/issues/{pull.number}",
            "body": comment.body,
            "user": self.account(comment.login),
            "created_at": moment(comment.identity),
            "updated_at": moment(comment.identity),
            "author_association": "OWNER" if comment.login == hosted.owner else "CONTRIBUTOR",
        }

    def review(self, hosted: Hosted, pull: PullRequest, review: Review) -> Json:
        """A reviewer's verdict."""
        page = f"{self.site}/{hosted.full_name}/pull/{pull.number}"
        return {
            "id": review.identity,
            "node_id": _node("PullRequestReview", review.identity),
            "user": self.account(review.login),
            "body": review.body,
            "state": review.state,
            "html_url": f"{page}#pullrequestreview-{review.identity}",
            "submitted_at": moment(review.identity),
            "commit_id": review.commit,
        }

    def line_comment(self, hosted: Hosted, pull: PullRequest, comment: LineComment) -> Json:
        """A comment on a line of a file."""
        page = f"{self.site}/{hosted.full_name}/pull/{pull.number}"
        answered = {"in_reply_to_id": comment.reply_to} if comment.reply_to else {}
        where = {"line": comment.line} if comment.line is not None else {}
        return {
            "id": comment.identity,
            "node_id": _node("PullRequestReviewComment", comment.identity),
            "user": self.account(comment.login),
            "body": comment.body,
            "path": comment.path,
            "commit_id": comment.commit,
            "original_commit_id": comment.commit,
            "html_url": f"{page}#discussion_r{comment.identity}",
            "created_at": moment(comment.identity),
            "updated_at": moment(comment.identity),
            **where,
            **answered,
        }

    def label(self, name: str) -> Json:
        """A label."""
        return {"id": len(name), "node_id": _node("Label", len(name)), "name": name, "color": "ededed"}

    def rules(self, hosted: Hosted, branch: str) -> list[Json]:
        """The rules that apply to a branch, also to one that does not exist."""
        found = []
        rulesets = [rule for rule in hosted.rules if isinstance(rule, Ruleset)]
        for number, ruleset in enumerate(rulesets, 1):
            for kind in ruleset.types if ruleset.covers(f"refs/heads/{branch}") else ():
                source = {"ruleset_source_type": "Repository", "ruleset_source": hosted.full_name}
                found.append({"type": kind, "ruleset_id": number, **source, **_parameters(ruleset, kind)})
        return found

    def _root(self, hosted: Hosted) -> str:
        return f"{self.site}/api/v3/repos/{hosted.full_name}"

    def _commit(self, hosted: Hosted, commit: str) -> str:
        return f"{self._root(hosted)}/commits/{commit}"


def _parameters(ruleset: Ruleset, kind: str) -> Json:
    value = ruleset.parameters.get(kind)
    if kind.endswith("_pattern"):
        return {"parameters": {"operator": "regex", "pattern": value or "", "negate": False}}
    if kind == "file_path_restriction":
        return {"parameters": {"restricted_file_paths": [value or ""]}}
    return {}


def moment(number: int) -> str:
    """A time in GitHub's form; greater numbers are later."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(BASE_TIME + number))


def _node(kind: str, number: int) -> str:
    return base64.b64encode(f"{kind}{number}".encode()).decode()
