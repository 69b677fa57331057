"""What GitHub's REST API answers, as frozen values; the fields are those of its documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from gitsession.model import Identity

Json = Mapping[str, Any]
ACTIONS = "github-actions"  # the app whose installations' tokens Actions hands out
_APP = "[bot]"  # ends the login of an app, and fits into no branch's name
_KINDS = (
    ("ghp_", "classic"),
    ("github_pat_", "fine-grained"),
    ("gho_", "oauth"),
    ("ghu_", "app user"),
    ("ghs_", "installation"),
)


@dataclass(frozen=True)
class User:
    """An account: `id` never changes, `login` may."""

    login: str
    id: int
    name: str
    email: str

    @property
    def identity(self) -> Identity:
        """Whom commits name, with the address that GitHub gives out to keep the real one private."""
        return Identity(self.name, self.email)

    @classmethod
    def from_json(cls, fields: Json, host: str) -> User:
        """Read a user of `GET /user`; `host` is the server's, such as `github.com`."""
        login, number = str(fields["login"]), int(fields["id"])
        return cls(login, number, fields.get("name") or login, f"{number}+{login}@users.noreply.{host}")

    @classmethod
    def of_app(cls, fields: Json, host: str) -> User:
        """Read an app's account as the GraphQL API's `viewer` gives it; `login` is without its `[bot]`."""
        login, number = str(fields["login"]), int(fields["databaseId"])
        return cls(login.removesuffix(_APP), number, login, f"{number}+{login}@users.noreply.{host}")


@dataclass(frozen=True)
class Repository:
    """A repository as this token sees it; `full_name` is its name now, also when an old one was asked."""

    full_name: str
    default_branch: str
    private: bool
    archived: bool
    template: bool
    can_push: bool
    can_administer: bool
    size: int
    parent: str | None = None
    made_from: str | None = None

    @property
    def is_fork(self) -> bool:
        """Whether it has a parent."""
        return self.parent is not None

    @classmethod
    def from_json(cls, fields: Json) -> Repository:
        """Read a repository of `GET /repos/{owner}/{repo}`; `size` is in bytes."""
        permissions = fields.get("permissions") or {}
        return cls(
            full_name=fields["full_name"],
            default_branch=fields.get("default_branch") or "main",
            private=bool(fields["private"]),
            archived=bool(fields.get("archived")),
            template=bool(fields.get("is_template")),
            can_push=bool(permissions.get("push")),
            can_administer=bool(permissions.get("admin")),
            size=int(fields.get("size") or 0) * 1024,
            parent=_full_name(fields.get("parent")),
            made_from=_full_name(fields.get("template_repository")),
        )


def _full_name(fields: Json | None) -> str | None:
    return str(fields["full_name"]) if fields else None


@dataclass(frozen=True)
class Rule:
    """A rule that applies to a branch: its `type`, such as `creation`, and its parameters."""

    type: str
    parameters: Json

    @classmethod
    def from_json(cls, fields: Json) -> Rule:
        """Read a rule of `GET /repos/{owner}/{repo}/rules/branches/{branch}`."""
        return cls(str(fields["type"]), fields.get("parameters") or {})


@dataclass(frozen=True)
class TokenFacts:
    """What is known of a token without showing it.

    Args:
        login: Whose it is.
        kind: `classic`, `fine-grained`, `oauth`, `app user`, `installation` or `unknown`.
        scopes: A classic token's scopes; None for the kinds that have permissions instead.
        expires: Seconds since 1970; None where GitHub names no end.
        sso: Where the person may authorise it for an organisation, if that is asked for.
        answered: GitHub's clock when it answered, in seconds since 1970.
    """

    login: str
    kind: str
    scopes: frozenset[str] | None
    expires: float | None
    sso: str | None
    answered: float | None = None

    @property
    def may_change_workflows(self) -> bool | None:
        """Whether `.github/workflows` may be pushed; None where only a push can tell.

        A token of Actions never may: there is no such permission for it.
        """
        if self.kind == "installation" and self.login == ACTIONS:
            return False
        return None if self.scopes is None else "workflow" in self.scopes

    @classmethod
    def from_headers(cls, login: str, token: str, headers: Mapping[str, str]) -> TokenFacts:
        """Read the headers of any answer; see GitHub's "About authentication" and "SAML single sign-on"."""
        scopes = headers.get("x-oauth-scopes")
        return cls(
            login,
            token_kind(token),
            None if scopes is None else frozenset(filter(None, re.split(r"[,\s]+", scopes))),
            _expiry(headers.get("github-authentication-token-expiration", "")),
            sso_link(headers),
            _date(headers.get("date", "")),
        )


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None


def token_kind(token: str) -> str:
    """The kind that a token's prefix names."""
    return next((kind for prefix, kind in _KINDS if token.startswith(prefix)), "unknown")


def _expiry(text: str) -> float | None:
    found = re.match(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ?(UTC|[+-]\d{4})?", text)
    if not found:
        return None
    zone = found[2] if found[2] and found[2] != "UTC" else "+0000"
    try:
        return (
            datetime.strptime(f"{found[1]} {zone}", "%Y-%m-%d %H:%M:%S %z")
            .astimezone(timezone.utc)
            .timestamp()
        )
    except ValueError:
        return None


def sso_link(headers: Mapping[str, str]) -> str | None:
    """The link of `X-GitHub-SSO`, where an organisation wants the token to be authorised first."""
    found = re.search(r"url=(https://[\x21-\x7e]+)", headers.get("x-github-sso", ""))
    return found[1] if found else None


@dataclass(frozen=True)
class Pull:
    """A pull request; `head` is a branch and `head_repository` where it lies, None when that is deleted."""

    number: int
    url: str
    title: str
    body: str
    state: str
    draft: bool
    merged: bool
    head: str
    head_commit: str
    head_repository: str | None
    base: str
    node: str

    @classmethod
    def from_json(cls, fields: Json) -> Pull:
        """Read a pull request of `/repos/{owner}/{repo}/pulls`."""
        head = fields["head"]
        return cls(
            number=int(fields["number"]),
            url=fields["html_url"],
            title=fields["title"],
            body=fields.get("body") or "",
            state=fields["state"],
            draft=bool(fields.get("draft")),
            merged=bool(fields.get("merged_at")),
            head=head["ref"],
            head_commit=head["sha"],
            head_repository=_full_name(head.get("repo")),
            base=fields["base"]["ref"],
            node=fields["node_id"],
        )


@dataclass(frozen=True)
class Comment:
    """A comment in a pull request's conversation."""

    id: int
    body: str
    author: str
    url: str

    @classmethod
    def from_json(cls, fields: Json) -> Comment:
        """Read a comment of `/repos/{owner}/{repo}/issues/{number}/comments`."""
        return cls(int(fields["id"]), fields.get("body") or "", _login(fields), fields["html_url"])


@dataclass(frozen=True)
class ReviewComment:
    """A comment on a line of a file; `line` is None where the line is gone since."""

    id: int
    path: str
    line: int | None
    body: str
    author: str
    url: str
    reply_to: int | None

    @classmethod
    def from_json(cls, fields: Json) -> ReviewComment:
        """Read a comment of `/repos/{owner}/{repo}/pulls/{number}/comments`."""
        return cls(
            int(fields["id"]),
            fields["path"],
            fields.get("line"),
            fields.get("body") or "",
            _login(fields),
            fields["html_url"],
            fields.get("in_reply_to_id"),
        )


@dataclass(frozen=True)
class Review:
    """A reviewer's verdict: `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED` or `PENDING`."""

    author: str
    state: str
    body: str

    @classmethod
    def from_json(cls, fields: Json) -> Review:
        """Read a review of `/repos/{owner}/{repo}/pulls/{number}/reviews`."""
        return cls(_login(fields), str(fields["state"]), fields.get("body") or "")


def _login(fields: Json) -> str:
    user = fields.get("user")
    return str(user["login"]) if user else "ghost"
