"""What a check answers."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gitsession.doctor.case import Case


class Verdict(str, enum.Enum):
    """How bad it is: `bad` stops something, `warn` is to be known, `skipped` was not looked at."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Args:
        verdict: How bad it is.
        words: What was seen.
        fix: What to do about it; never empty for `bad`.
        name: The check's name.
    """

    verdict: Verdict
    words: str
    fix: str = ""
    name: str = ""

    @classmethod
    def good(cls, words: str) -> Finding:
        """All is well."""
        return cls(Verdict.GOOD, words)

    @classmethod
    def warn(cls, words: str, fix: str) -> Finding:
        """Work is saved, but something is to be known."""
        return cls(Verdict.WARN, words, fix)

    @classmethod
    def bad(cls, words: str, fix: str) -> Finding:
        """Something will not work."""
        return cls(Verdict.BAD, words, fix or "See `gitsession --help`.")

    @classmethod
    def skipped(cls, words: str) -> Finding:
        """It was not looked at, and why."""
        return cls(Verdict.SKIPPED, words)

    def named(self, name: str) -> Finding:
        """The same under a check's name."""
        return replace(self, name=name)

    def to_json(self) -> dict[str, Any]:
        """One entry of `gitsession doctor --json`."""
        return {"check": self.name, "verdict": self.verdict.value, "words": self.words, "fix": self.fix}


Check = Callable[["Case"], Finding]
