"""What opens the gate: one-use tickets from a link's fragment, and the signed cookie they are traded for."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

TICKET_LIFETIME = 600.0
COOKIE_LIFETIME = 7 * 86400.0
MOST_TICKETS = 100


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@dataclass
class Tickets:
    """The tickets that may still be used; only their hashes are kept. Times are monotonic seconds."""

    lifetime: float = TICKET_LIFETIME
    _expiry: dict[bytes, float] = field(default_factory=dict)

    def mint(self, now: float) -> str:
        """A fresh ticket; beyond `MOST_TICKETS` unused ones the oldest is dropped."""
        self._drop_stale(now)
        while len(self._expiry) >= MOST_TICKETS:
            del self._expiry[next(iter(self._expiry))]
        ticket = secrets.token_urlsafe(32)
        self._expiry[_digest(ticket)] = now + self.lifetime
        return ticket

    def redeem(self, ticket: str, now: float) -> bool:
        """Whether the ticket was good; it is not any more."""
        self._drop_stale(now)
        return self._expiry.pop(_digest(ticket), None) is not None

    def _drop_stale(self, now: float) -> None:
        for digest in [digest for digest, expiry in self._expiry.items() if expiry <= now]:
            del self._expiry[digest]


@dataclass(frozen=True)
class Seal:
    """Signs cookies, so that a gate that was restarted with the same key still knows who is signed in.

    Args:
        key: At least 32 random bytes; only in memory.
        lifetime: Seconds after which a cookie is refused.
    """

    key: bytes
    lifetime: float = COOKIE_LIFETIME

    def issue(self, now: float) -> str:
        """A cookie's value; `now` is seconds since 1970."""
        text = f"{int(now)}.{secrets.token_urlsafe(16)}"
        return f"{text}.{self._sign(text)}"

    def accepts(self, value: str, now: float) -> bool:
        """Whether the value was issued with this key and is not too old."""
        text, _, signature = value.rpartition(".")
        issued = text.partition(".")[0]
        if not (issued.isascii() and issued.isdigit() and len(issued) < 16):
            return False
        genuine = hmac.compare_digest(_digest(signature), _digest(self._sign(text)))
        return genuine and 0 <= now - int(issued) <= self.lifetime

    def _sign(self, text: str) -> str:
        return hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


@dataclass
class Password:
    """A password of the user's choice, compared in constant time, at most `limit` tries a minute in all."""

    wanted: str
    limit: int = 6
    _tries: list[float] = field(default_factory=list)

    def too_many(self, now: float) -> bool:
        """Whether a further try must wait; `now` is monotonic."""
        self._tries = [at for at in self._tries if now - at < 60]
        return len(self._tries) >= self.limit

    def accepts(self, given: str, now: float) -> bool:
        """Whether it is the password; a try that fails counts against the limit."""
        if self.too_many(now):
            return False
        right = hmac.compare_digest(_digest(given), _digest(self.wanted))
        if not right:
            self._tries.append(now)
        return right
