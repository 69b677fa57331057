"""How GitHub is spoken to: one connection, our own retries, and errors translated once.

PyGithub carries the requests; its own retries are off, because they may sleep until a rate limit resets.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_exponential, wait_random

from gitsession.credentials import Token
from gitsession.errors import AuthorisationError, GitsessionError, HubError, NoAnswer, RateLimited
from gitsession.hub.refusals import refusal

if TYPE_CHECKING:
    from github.Requester import Requester
    from tenacity import RetryCallState

Result = TypeVar("Result")
ATTEMPTS = 3
LONGEST_WAIT = 15.0  # a longer wait is the caller's to decide: it is told
LAG = 1.0  # GitHub may not show for a moment what it has just done
PAGE = 100
MOST_PAGES = 30


@dataclass(frozen=True)
class Answer:
    """A success: headers with names in lower case, and the decoded body."""

    headers: Mapping[str, str]
    body: Any


class Door:
    """Requests to one API with one token.

    Args:
        token: Gives the token when it is needed, None where there is none.
        api_url: The API's root, such as `https://api.github.com`.
        timeout: Seconds until a connection, or a pause within an answer, is given up.
        between_writes: Seconds between two changing requests; GitHub asks for one.
        sleep: How to wait.

    Raises:
        HubError: `api_url` is not https.
    """

    def __init__(
        self,
        token: Callable[[], Token | str | None],
        api_url: str,
        timeout: float,
        *,
        between_writes: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not api_url.startswith("https://"):
            raise HubError(
                "A token is never sent over plain http.", hint="Set GITHUB_API_URL to an https URL."
            )
        self._token, self._api_url, self._timeout = token, api_url.rstrip("/"), timeout
        self._between_writes, self._sleep = between_writes, sleep
        self._lock = threading.Lock()
        self._connection: tuple[str, Requester] | None = None

    def token(self) -> str:
        """The token, for its kind only.

        Raises:
            AuthorisationError: There is none.
        """
        given = self._token()
        text = given.reveal() if isinstance(given, Token) else given
        if not text:
            raise AuthorisationError(
                "This needs a token for GitHub.", hint="Give one as GITHUB_TOKEN, token= or --token-command."
            )
        return text

    def read(self, what: str, path: str, **parameters: str | int) -> Answer:
        """A GET, repeated a few times when no answer comes or GitHub asks for a short wait."""
        return self.retried(lambda: self.once(what, "GET", path, parameters=parameters))

    def pages(self, what: str, path: str, **parameters: str | int) -> Iterator[Any]:
        """The entries of a list, page by page, at most 3,000 of them."""
        for page in range(1, MOST_PAGES + 1):
            entries = self.read(what, path, **parameters, per_page=PAGE, page=page).body
            yield from entries
            if len(entries) < PAGE:
                return

    def change(self, what: str, verb: str, path: str, body: Mapping[str, Any]) -> Answer:
        """A change that may be repeated because the second one makes no difference."""
        return self.retried(lambda: self.once(what, verb, path, body=body))

    def create(self, attempt: Callable[[], Result], find: Callable[[], Result | None]) -> Result:
        """A change that must happen once: when its answer is lost, look before repeating it.

        Args:
            attempt: Does it once; raises `NoAnswer` when the effect is unknown.
            find: Answers with what an earlier attempt made, or None.
        """
        lost: GitsessionError = NoAnswer(
            "GitHub gave no answer.", hint="Saving goes on; repeat it in a minute."
        )
        for _ in range(ATTEMPTS):
            try:
                return attempt()
            except (NoAnswer, RateLimited) as error:
                if not _helps(error):
                    raise
                lost = error
            self._sleep(lost.retry_after if isinstance(lost, RateLimited) else LAG)
            found = find()
            if found is not None:
                return found
        raise lost

    def retried(self, call: Callable[[], Result]) -> Result:
        """Repeat a call a few times with growing, uneven pauses, where a repetition can help."""
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause,
            retry=retry_if_exception(_helps),
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(call)

    def once(
        self,
        what: str,
        verb: str,
        path: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One request and its answer.

        Raises:
            GitsessionError: What the status means, see `refusals`.
            NoAnswer: The connection failed, or the answer is no JSON.
        """
        token = self.token()
        with self._lock:
            status, headers, text = self._send(what, token, verb, path, parameters, body)
        if not 200 <= status < 300:
            raise refusal(what, status, headers, text, token)
        try:
            return Answer(headers, json.loads(text) if text.strip() else None)
        except ValueError:
            raise NoAnswer(f"GitHub's answer is unreadable while {what}.", hint="Try again.") from None

    def graphql(self, what: str, query: str, variables: Mapping[str, Any]) -> Any:
        """One GraphQL request: the few things that REST cannot do. Answers with its `data`."""
        token = self.token()
        url = self._requester(token).graphql_url
        answer = self.once(what, "POST", url, body={"query": query, "variables": dict(variables)})
        if answer.body.get("errors"):
            raise refusal(what, 422, answer.headers, json.dumps(answer.body), token)
        return answer.body["data"]

    def _send(
        self,
        what: str,
        token: str,
        verb: str,
        path: str,
        parameters: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
    ) -> tuple[int, Mapping[str, str], str]:
        import requests

        try:
            requester = self._requester(token)
            return requester.requestJson(
                verb, path, dict(parameters or {}), {}, None if body is None else dict(body)
            )
        except requests.exceptions.SSLError as error:
            raise HubError(
                f"GitHub's certificate is not trusted while {what} ({type(error).__name__}).",
                hint="Behind a proxy with its own authority, set SSL_CERT_FILE or REQUESTS_CA_BUNDLE.",
            ) from None
        except requests.exceptions.RequestException as error:
            raise NoAnswer(
                f"GitHub cannot be reached while {what} ({type(error).__name__}).",
                safe="Saving to the vault goes on.",
                hint="Check the network and try again.",
            ) from None
        except RuntimeError:  # PyGithub's word for a redirect to another server
            raise HubError(
                f"GitHub points to another server while {what}.", hint="Check GITHUB_API_URL."
            ) from None

    def _requester(self, token: str) -> Requester:
        if self._connection is None or self._connection[0] != token:
            self._connection = (token, self._connect(token))
        return self._connection[1]

    def _connect(self, token: str) -> Requester:
        from github import Auth, Github, set_log_level

        set_log_level(logging.WARNING)  # else it tells on standard error that a repository was renamed
        authority = None if os.environ.get("REQUESTS_CA_BUNDLE") else os.environ.get("SSL_CERT_FILE")
        hub = Github(
            auth=Auth.Token(token),
            base_url=self._api_url,
            timeout=max(1, round(self._timeout)),
            user_agent="gitsession",
            retry=None,
            verify=authority or True,
            seconds_between_requests=None,
            seconds_between_writes=self._between_writes,
        )
        return hub.requester


_BACK_OFF = wait_exponential(multiplier=0.5, max=8) + wait_random(0, 0.5)


def _helps(error: BaseException) -> bool:
    """Whether asking again may end better: no answer came, or a short wait was asked for."""
    short = isinstance(error, RateLimited) and error.retry_after <= LONGEST_WAIT
    return short or isinstance(error, NoAnswer)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    return error.retry_after if isinstance(error, RateLimited) else _BACK_OFF(state)
