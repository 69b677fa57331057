"""Which large files wait because they change too often: pure, so that the rules can be read and tested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LARGE = 1_000_000
HUGE = 10_000_000
LARGE_INTERVAL = 60.0
HUGE_INTERVAL = 600.0
VAULT_ONLY = "churn: max_remote_size is used up, vault only"
DOUBLINGS = 13  # of the interval, until the whole budget is spent: a night with three flushes uses 60 %


@dataclass(frozen=True)
class Changed:
    """A large file whose content changed.

    Args:
        path: Relative to the work tree.
        size: Bytes now.
        growth: Bytes that its leaving would add to the remote, at most.
    """

    path: str
    size: int
    growth: int


@dataclass(frozen=True)
class Waiting:
    """A file that waits, why, and until when; None when it never goes out by itself."""

    path: str
    reason: str
    until: float | None


@dataclass(frozen=True)
class Budget:
    """How much of large changing content left for the remote, and how much may.

    Args:
        spent: Bytes so far.
        limit: `max_remote_size`.
    """

    spent: int = 0
    limit: int = 500_000_000

    @property
    def stretch(self) -> float:
        """How many times longer files wait, so that the budget lasts."""
        return 2.0 ** (DOUBLINGS * min(1.0, self.spent / self.limit)) if self.limit else 1.0


def waiting(
    changed: Iterable[Changed], sent: Mapping[str, float], budget: Budget, now: float, *, urgent: bool
) -> tuple[Waiting, ...]:
    """The changed files that do not go out now.

    A file over 1 MB goes out at most once a minute, over 10 MB every ten minutes, both less often the more of
    the budget is spent, and always when it is `urgent`: at flush, close and deadline. What would overrun the
    budget stays with the vault. A file that never went out before (`sent`) does not wait.

    Args:
        changed: The changed files; small ones never wait.
        sent: When each large file last went out.
        budget: What large files may cost the remote.
        now: The moment, on the clock of `sent`.
        urgent: Only the budget counts.
    """
    spent = budget.spent
    found = []
    for file in sorted(changed, key=lambda file: file.size):
        wait = _wait(file, sent.get(file.path), Budget(spent, budget.limit), now, urgent=urgent)
        if wait is not None:
            found.append(wait)
        elif file.size > LARGE:
            spent += file.growth
    return tuple(found)


def _wait(file: Changed, last: float | None, budget: Budget, now: float, *, urgent: bool) -> Waiting | None:
    if file.size <= LARGE:
        return None
    if last is not None and budget.spent + file.growth > budget.limit:
        return Waiting(file.path, VAULT_ONLY, None)
    if last is None or urgent:
        return None
    until = last + (HUGE_INTERVAL if file.size > HUGE else LARGE_INTERVAL) * budget.stretch
    return Waiting(file.path, _reason(file.size), until) if until > now else None


def _reason(size: int) -> str:
    if size > HUGE:
        return "churn: over 10 MB, goes out every ten minutes at most"
    return "churn: over 1 MB, goes out once a minute at most"
