"""Who may pass the gate: pure answers from a request's method and headers."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

COOKIE_PREFIX = "gitsession-"
SAFE_METHODS = frozenset({"GET", "HEAD"})


class Verdict(enum.Enum):
    """What the gate does with a request, and the HTTP status that says so."""

    PASS = 200
    SIGN_IN = 401
    WRONG_ORIGIN = 403
    WRONG_HOST = 421


@dataclass(frozen=True)
class Origin:
    """An origin under which the gate may be reached, and the Host header that requests to it arrive with."""

    origin: str
    host: str

    @classmethod
    def of(cls, url: str, host: str | None = None) -> Origin:
        """From a URL; `host` only where a proxy rewrites the header.

        Example:
            >>> Origin.of("https://a.example/x")
            Origin(origin='https://a.example', host='a.example')
        """
        parts = urlsplit(url)
        netloc = parts.netloc.lower()
        return cls(f"{parts.scheme.lower()}://{netloc}", (host or netloc).lower())

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it over TLS."""
        return self.origin.startswith("https://")

    @property
    def netloc(self) -> str:
        """What the browser's address bar shows."""
        return self.origin.partition("://")[2]


def matching(origins: frozenset[Origin], host: str, origin: str | None) -> Origin | None:
    """The origin that a request belongs to: exact on Host and, where there is one, on Origin."""
    candidates = [known for known in origins if known.host == host.lower()]
    if origin is not None:
        candidates = [known for known in candidates if known.origin == origin]
    return min(candidates, key=lambda known: known.origin) if candidates else None


def judge(
    origins: frozenset[Origin], method: str, headers: Mapping[str, str], *, signed_in: bool
) -> tuple[Verdict, Origin | None]:
    """Decide on one request; `headers` is case-insensitive.

    An upgrade needs an Origin, and so does any method that may change something, unless the browser itself
    says that the request comes from the same origin. What another site embeds is refused; a link from another
    site is not, since its answer goes to the person and not to that site.
    """
    host = headers.get("Host", "")
    if not any(known.host == host.lower() for known in origins):
        return Verdict.WRONG_HOST, None
    known = matching(origins, host, headers.get("Origin"))
    if known is None or not _comes_from_itself(method, headers):
        return Verdict.WRONG_ORIGIN, None
    return (Verdict.PASS if signed_in else Verdict.SIGN_IN), known


def _comes_from_itself(method: str, headers: Mapping[str, str]) -> bool:
    site = headers.get("Sec-Fetch-Site", "")
    if is_upgrade(headers):
        return "Origin" in headers
    if method not in SAFE_METHODS:
        return site == "same-origin" or ("Origin" in headers and not site)
    return site in ("", "same-origin", "none") or _is_navigation(method, headers)


def _is_navigation(method: str, headers: Mapping[str, str]) -> bool:
    return (
        method == "GET"
        and headers.get("Sec-Fetch-Mode") == "navigate"
        and headers.get("Sec-Fetch-Dest") == "document"
    )


def is_upgrade(headers: Mapping[str, str]) -> bool:
    """Whether the request asks for anything else than HTTP, a WebSocket above all."""
    tokens = {token.strip().lower() for token in headers.get("Connection", "").split(",")}
    return "upgrade" in tokens or "Upgrade" in headers


def without_our_cookies(header: str) -> str:
    """A Cookie header without the cookies of any gate."""
    pairs = [pair.strip() for pair in header.split(";")]
    return "; ".join(pair for pair in pairs if pair and not pair.startswith(COOKIE_PREFIX))


def cookie_of(header: str, name: str) -> str:
    """The value of one cookie, empty where it is missing or given twice."""
    values = [
        pair.strip().partition("=")[2] for pair in header.split(";") if pair.strip().startswith(f"{name}=")
    ]
    return values[0] if len(values) == 1 else ""
