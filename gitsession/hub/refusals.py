"""What an answer that is no success means: GitHub's status, headers and words become one of our errors."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Mapping
from typing import Any

from gitsession.errors import (
    AuthorisationError,
    GitsessionError,
    HubError,
    NoAnswer,
    NotFoundError,
    RateLimited,
    TokenRefused,
)
from gitsession.hub.answers import sso_link, token_kind

DEFAULT_WAIT = 60.0  # what GitHub asks for where it names no time
_LIMIT = re.compile(r"rate limit|abuse detection|too many requests|submitted too quickly", re.IGNORECASE)


def refusal(what: str, status: int, headers: Mapping[str, str], body: str, token: str) -> GitsessionError:
    """The error for a status that is no success.

    Args:
        what: What was being done, for people, such as `reading ada/engine`.
        status: The HTTP status.
        headers: Their names in lower case.
        body: The answer's text.
        token: Only its kind is looked at, and it is taken out of GitHub's words.
    """
    words = _words(body, token)
    if status == 429 or (status == 403 and _is_limit(headers, words)):
        return _limited(what, headers)
    if status == 401:
        return TokenRefused(
            f"GitHub does not accept the token ({what}).",
            hint="It may have expired or been revoked: make a new one in your account's settings.",
        )
    if status == 403:
        return _forbidden(what, headers, words, token)
    if status in (404, 410, 451):
        return _missing(what, words, token)
    if status >= 500:
        return NoAnswer(f"GitHub had a problem while {what} ({status}).", hint="Try again in a minute.")
    if status < 400:
        return HubError(f"GitHub moved what was asked for while {what}.", hint="Open it by its new name.")
    return HubError(
        f"GitHub refused {what}: {words or f'status {status}'}.", hint="Mend what it names, and repeat it."
    )


def _is_limit(headers: Mapping[str, str], words: str) -> bool:
    spent = headers.get("x-ratelimit-remaining") == "0" and "x-ratelimit-reset" in headers
    return spent or "retry-after" in headers or _LIMIT.search(words) is not None


def _limited(what: str, headers: Mapping[str, str]) -> RateLimited:
    wait = _seconds(headers)
    return RateLimited(
        f"GitHub's rate limit is reached while {what}.",
        retry_after=wait,
        safe="Saving goes on; only this request waits.",
        hint=f"Try again in {wait:.0f} s.",
    )


def _seconds(headers: Mapping[str, str]) -> float:
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if after.isascii() and after.isdigit():
        return float(after[:6])
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return min(max(1.0, float(reset[:12]) - time.time()), 3600.0)
    return DEFAULT_WAIT


def _forbidden(what: str, headers: Mapping[str, str], words: str, token: str) -> AuthorisationError:
    link = sso_link(headers)
    if link is not None:
        return AuthorisationError(
            f"The organisation wants this token to be authorised first ({what}).",
            hint=f"Open {link} and authorise it.",
        )
    wanted = headers.get("x-accepted-github-permissions") or headers.get("x-accepted-oauth-scopes")
    if wanted:
        noun = "permission" if token_kind(token) == "fine-grained" else "scope"
        hint = f"Give the token the {noun} {_inert(wanted)}."
    else:
        hint = "Ask the owner for access, or use a token that has it."
    return AuthorisationError(f"The token may not do this: {what} ({words or 'forbidden'}).", hint=hint)


def _missing(what: str, words: str, token: str) -> NotFoundError:
    if token_kind(token) == "fine-grained":
        hint = (
            "Check the name. A fine-grained token sees only the repositories it names, once the organisation"
            " has approved it. create=True (--create) makes a private repository."
        )
    else:
        hint = (
            "Check the name; a private repository needs a token with the scope 'repo'."
            " create=True (--create) makes a private repository."
        )
    return NotFoundError(f"GitHub shows nothing there while {what} ({words or 'Not Found'}).", hint=hint)


def messages(body: str) -> list[str]:
    """Every message in an error's body: its own and those of its `errors`."""
    try:
        document: Any = json.loads(body)
    except ValueError:
        return []
    if not isinstance(document, dict):
        return []
    errors = document.get("errors")
    listed = errors if isinstance(errors, list) else [errors] if errors else []
    inner = [entry.get("message") if isinstance(entry, dict) else entry for entry in listed]
    return [text for text in (document.get("message"), *inner) if isinstance(text, str) and text]


def _words(body: str, token: str) -> str:
    text = "; ".join(_inert(message) for message in messages(body))
    return (text.replace(token, "<token>") if token else text)[:400].rstrip(".")


def _inert(text: str) -> str:
    return "".join(letter for letter in text if unicodedata.category(letter)[0] != "C")
