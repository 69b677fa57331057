"""The values that travel between the parts: frozen, comparable, and with parsers that take hostile input."""

from __future__ import annotations

import enum
import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gitsession.errors import SessionError, UsageError

FORMAT_VERSION = 1
STATE_PREFIX = "refs/gitsession"
DONE_PREFIX = "refs/gitsession-done"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])", re.IGNORECASE)


class Level(enum.IntEnum):
    """How strongly something is kept; each word says what was checked, and no more."""

    NONE = 0
    LOCAL = 1
    STORED = 2
    SAFE = 3

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Level:
        """Read `local`, `stored` or `safe`.

        Raises:
            UsageError: Anything else.
        """
        names = {str(level): level for level in cls if level is not cls.NONE}
        if text not in names:
            raise UsageError(f"{text!r} is no durability level.", hint=f"Use one of: {', '.join(names)}.")
        return names[text]


@dataclass(frozen=True)
class SessionName:
    """A session's owner and name, from which its refs follow."""

    login: str
    name: str

    @property
    def branch(self) -> str:
        """The session branch, short: `session/<login>/<name>`."""
        return f"session/{self.login}/{self.name}"

    @property
    def branch_ref(self) -> str:
        """The session branch's full ref."""
        return f"refs/heads/{self.branch}"

    @property
    def state_ref(self) -> str:
        """The ref of the session's state commit."""
        return f"{STATE_PREFIX}/{self.login}/{self.name}"

    @property
    def done_ref(self) -> str:
        """Where `finish` moves the state ref to."""
        return f"{DONE_PREFIX}/{self.login}/{self.name}"

    @property
    def review_branch(self) -> str:
        """The branch that a pull request of this session shows, short."""
        return f"review/{self.login}/{self.name}"

    @classmethod
    def parse(cls, login: str, name: str) -> SessionName:
        """Check both parts: letters, digits, `.`, `_`, `-`, at most 100 characters, as git refs allow.

        Raises:
            SessionError: One of them would not make a good ref.
        """
        for part in (login, name):
            if not _NAME.fullmatch(part) or ".." in part or part.endswith(".lock"):
                raise SessionError(
                    f"{part!r} cannot name a session.",
                    hint="Use letters, digits, '.', '_' and '-', such as 'lesson-3'.",
                )
        return cls(login, name)

    @classmethod
    def from_state_ref(cls, ref: str) -> SessionName | None:
        """The session a ref belongs to, or None for any other ref."""
        for prefix in (STATE_PREFIX, DONE_PREFIX):
            parts = ref.removeprefix(f"{prefix}/").split("/")
            if ref.startswith(f"{prefix}/") and len(parts) == 2:
                try:
                    return cls.parse(*parts)
                except SessionError:
                    return None
        return None

    def __str__(self) -> str:
        return f"{self.login}/{self.name}"


def default_session_name(today: date) -> str:
    """A fresh name such as `20261122-qkzt`: a day for people, four random letters against collisions."""
    letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(4))
    return f"{today:%Y%m%d}-{letters}"


@dataclass(frozen=True)
class Identity:
    """Who a commit names."""

    name: str
    email: str


@dataclass(frozen=True)
class Skipped:
    """A path that no snapshot holds, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Held:
    """A path whose new content may not leave for the remote.

    Args:
        path: Relative to the work tree.
        reason: Why, for people: `too large`, `secret: AWS key in line 3`, `churn`.
        size: Bytes of the new content.
        oid: Blob id of the new content, empty where it was not read.
        sha256: SHA-256 of the content, the name under which the vault keeps it.
        level: How strongly the new content is kept.
        finding: The name by which `gitsession allow` lets it pass; empty where only the path has one.
    """

    path: str
    reason: str
    size: int
    oid: str = ""
    sha256: str = ""
    level: Level = Level.NONE
    finding: str = ""


@dataclass(frozen=True)
class Snapshot:
    """One snapshot.

    Args:
        number: Its number in the session.
        commit: Its commit.
        at: When it was taken, in seconds since 1970.
        subject: What changed, or the name that it was given.
        size: Bytes of new content that it brought.
        held: How many paths had newer content that was left out.
        ran: The cell or command that ran before it, as it was recorded; None without one.
    """

    number: int
    commit: str
    at: float
    subject: str = ""
    size: int = 0
    held: int = 0
    ran: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True)
class Update:
    """What an update did to the work tree.

    Args:
        source: What was brought in, as files beside those in conflict are called after it.
        commit: Its commit.
        before: The number of the snapshot that was taken before.
        changed: Paths that were written, brought back or removed.
        beside: Paths that were written beside files whose own lines stayed.
        back: Paths of `changed` that had been deleted and came back.
    """

    source: str
    commit: str
    before: int
    changed: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    back: tuple[str, ...] = ()


def parse_size(text: str | int) -> int:
    """Bytes from `50MB`, `1.5 GB` or a number; units are powers of 1,000, as GitHub's limits are meant.

    Raises:
        UsageError: It is no size.
    """
    if isinstance(text, int):
        return text
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no size.", hint="Write it like 50MB or 1.5GB.")
    return int(float(match[1]) * 1000 ** " kmgt".index(match[2].lower() or " "))


def parse_duration(text: str | float) -> float:
    """Seconds from `90s`, `30m`, `12h`, `1d` or a number.

    Raises:
        UsageError: It is no duration.
    """
    if isinstance(text, (int, float)):
        return float(text)
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no duration.", hint="Write it like 90s, 30m or 12h.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2].lower()]
