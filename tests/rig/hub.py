"""GitHub's REST API in front of a forge, checked against GitHub's own description.

Mounted on a `GitServer` at `/api/v3`, as on GitHub Enterprise, over the same repositories and tokens: what
is pushed shows here at once. Every request and every answer is held against the published description; what
does not fit fails the test when the server stops, and so does a request that the stand-in does not serve.
Stands for: users, repositories, forks, templates, branches, refs, rules, pull requests with conversation and
reviews, and the GraphQL mutation that REST lacks. Does not imitate: search, webhooks, Actions, whether a pull
request can be merged, time-based rate limits (`faults` and `remaining` ask for them), or diffs.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.rig import hub_pulls  # noqa: F401  its operations are known by being imported
from tests.rig.completion import Completion
from tests.rig.faults import FaultScript
from tests.rig.forge import Forge
from tests.rig.hub_access import Refused, token_headers, token_of
from tests.rig.hub_operations import OPERATIONS, Asked, Reply
from tests.rig.loopback import Handler
from tests.rig.openapi import Description, Operation
from tests.rig.tokens import Token, at_least

__all__ = ["OPERATIONS", "Call", "Hub"]
ROOT = "/api/v3"
GRAPHQL = "/api/graphql"
PER_PAGE = 30
LIMIT = 5000
VIEWER = "viewer { login databaseId }"
MARK_READY = "markPullRequestReadyForReview"


@dataclass(frozen=True)
class Call:
    """One request to the API: the operation's name in the description, `graphql`, or `unknown`."""

    operation: str
    method: str
    path: str
    authorization: str | None
    body: Any
    at: float
    status: int = 0


class Hub:
    """The API of one forge.

    Attributes:
        calls: Everything that was asked, in order.
        faults: What is to go wrong, by the operations' names in the description.
        lag: How many looks at a fresh fork or generated repository find it unfinished.
        remaining: Requests left until the rate limit; None is no limit.

    Example:
        >>> hub.faults.add(outcome("502", "pulls/create", "after"))
    """

    def __init__(self, forge: Forge, description: Description) -> None:
        self.forge = forge
        self.description = description
        self.completion = Completion(description)
        self.calls: list[Call] = []
        self.faults = FaultScript()
        self.lag = 0
        self.remaining: int | None = None
        self.site = ""
        self._lock = threading.Lock()

    @property
    def api_url(self) -> str:
        """The API's root, for `GITHUB_API_URL`."""
        return self.site + ROOT

    def named(self, operation: str) -> list[Call]:
        """The calls of one operation."""
        return [call for call in self.calls if call.operation == operation]

    def serve(self, handler: Handler) -> None:
        """Answer one request."""
        exchange = _Exchange(self, handler)
        try:
            exchange.run()
        finally:
            handler.owner.failures.extend(AssertionError(fault) for fault in exchange.wrong)

    def note(self, call: Call) -> int:
        """Note a request; answers with its place in `calls`."""
        with self._lock:
            self.calls.append(call)
            if self.remaining is not None:
                self.remaining -= 1
            return len(self.calls) - 1

    def answered(self, place: int, status: int) -> None:
        """Note the status of an answer."""
        with self._lock:
            self.calls[place] = replace(self.calls[place], status=status)


class _Exchange:
    """One request and its answer."""

    def __init__(self, hub: Hub, handler: Handler) -> None:
        self.hub, self.handler = hub, handler
        self.wrong: list[str] = []
        split = urlsplit(handler.path)
        self.path, self.query = split.path, dict(parse_qsl(split.query, keep_blank_values=True))
        self.authorization = handler.headers.get("Authorization")
        self.found = hub.description.find(handler.command, split.path.removeprefix(ROOT))
        text = b"".join(handler.body())
        self.body = json.loads(text) if text else None
        self.name = "graphql" if split.path == GRAPHQL else self.found[0].name if self.found else "unknown"

    def run(self) -> None:
        asked = (self.name, self.handler.command, self.handler.path, self.authorization, self.body)
        self.place = self.hub.note(Call(*asked, at=time.monotonic()))
        if self.handler.spoiled(self.name, "before", self.hub.faults):
            return
        token = self.hub.forge.tokens.get((self.authorization or "").rpartition(" ")[2])
        try:
            token = token_of(self.hub.forge, self.authorization)
            reply, headers = self._reply(token), dict[str, str]()
        except Refused as refused:
            reply, headers = Reply(refused.status, refused.body()), dict(refused.headers)
        if not self.handler.spoiled(self.name, "after", self.hub.faults):
            self._send(reply, {**token_headers(token), **self._limits(), **headers})

    def _reply(self, token: Token | None) -> Reply:
        if self.hub.remaining is not None and self.hub.remaining < 0:
            raise Refused(403, "API rate limit exceeded for user ID 1000.")
        if self.name == "graphql":
            return _graphql(self.hub.forge, token, self.body)
        if self.found is None:
            self.wrong.append(f"the stand-in does not serve {self.handler.command} {self.handler.path}")
            raise Refused(404, "Not Found")
        operation, path = self.found
        faults = self.hub.description.request_faults(operation, self.query, self.body)
        self.wrong += [
            f"the request {operation.name} is not as GitHub describes it: {fault}" for fault in faults
        ]
        if faults and self.body is not None:
            raise Refused(422, "Invalid request.")
        self._redirect(path)
        needs, serve = OPERATIONS[operation.name]
        lag, site = self.hub.lag, self.hub.site
        asked = Asked(self.hub.forge, token, site, path, self.query, self.body or {}, lag, needs)
        return self._completed(operation, serve(asked))

    def _redirect(self, path: Mapping[str, str]) -> None:
        old = f"{path.get('owner')}/{path.get('repo')}"
        new = self.hub.forge.renamed.get(old.casefold())
        if new:
            location = self.hub.site + self.path.replace(f"/repos/{old}", f"/repos/{new}", 1)
            if self.query:
                location += f"?{urlencode(self.query)}"
            raise Refused(301, "Moved Permanently", headers={"Location": location})

    def _completed(self, operation: Operation, reply: Reply) -> Reply:
        schema = operation.answers[str(reply.status)]
        if schema is None:
            return reply
        body = self.hub.completion.complete(schema, reply.body)
        faults = self.hub.description.faults(schema, body)
        self.wrong += [
            f"the answer to {operation.name} is not as GitHub describes it: {fault}" for fault in faults
        ]
        return Reply(reply.status, body)

    def _limits(self) -> dict[str, str]:
        left = LIMIT if self.hub.remaining is None else max(0, self.hub.remaining)
        told = {"Limit": LIMIT, "Remaining": left, "Used": LIMIT - left, "Reset": int(time.time()) + 3600}
        return {
            **{f"X-RateLimit-{name}": str(value) for name, value in told.items()},
            "X-RateLimit-Resource": "core",
        }

    def _send(self, reply: Reply, headers: Mapping[str, str]) -> None:
        body, links = self._page(reply.body)
        self.hub.answered(self.place, reply.status)
        text = "" if body is None else json.dumps(body)
        self.handler.answer(reply.status, text, {**headers, **links}, "application/json; charset=utf-8")

    def _page(self, body: Any) -> tuple[Any, dict[str, str]]:
        """A list's page, and where the next one is."""
        if not isinstance(body, list) or self.handler.command != "GET":
            return body, {}
        size, page = int(self.query.get("per_page", PER_PAGE)), int(self.query.get("page", 1))
        shown = body[(page - 1) * size : page * size]
        if len(body) <= page * size:
            return shown, {}
        following = urlencode({**self.query, "page": page + 1})
        return shown, {"Link": f'<{self.hub.site}{self.path}?{following}>; rel="next"'}


def _graphql(forge: Forge, token: Token | None, body: Any) -> Reply:
    """What REST lacks: one mutation, and whose token it is where that is an app."""
    if token is None:
        raise Refused(401, "Requires authentication")
    if VIEWER in str(body.get("query")):
        account = forge.accounts[token.login.casefold()]
        return Reply(200, {"data": {"viewer": {"login": account.login, "databaseId": account.identity}}})
    if MARK_READY not in str(body.get("query")):
        return Reply(200, {"errors": [{"type": "undefinedField", "message": f"only {MARK_READY} is served"}]})
    node = (body.get("variables") or {}).get("id")
    everywhere = [(hosted, pull) for hosted in forge.repositories.values() for pull in hosted.pulls.values()]
    hosted, pull = next((pair for pair in everywhere if pair[1].node == node), (None, None))
    level = forge.level(token, hosted, "pull_requests") if hosted else "none"
    if pull is None or level == "none":
        return _graphql_error("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'")
    if not (
        token.grants("pull_requests", "write") and (pull.login == token.login or at_least(level, "write"))
    ):
        return _graphql_error("FORBIDDEN", "Resource not accessible by personal access token")
    pull.draft = False
    return Reply(200, {"data": {MARK_READY: {"clientMutationId": None}}})


def _graphql_error(kind: str, message: str) -> Reply:
    error = {"type": kind, "path": [MARK_READY], "message": message}
    return Reply(200, {"data": {MARK_READY: None}, "errors": [error]})
