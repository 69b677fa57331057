"""What goes wrong on purpose at a server, before or after its effect, as often as asked.

Stands for a server's bad days. What goes wrong on the way there is in `fault_proxy`.
"""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Moment = Literal["before", "after"]
Effect = Literal["answer", "lost", "stall", "delay"]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        effect: `answer` with `status`, or `lost`: the connection is cut without an answer, or `stall`: it is
            held open without a byte until the server stops or `seconds` passed, or `delay` by `seconds`.
        operation: A shell pattern for the operation's name; each server says what it calls them.
        moment: Whether the request takes effect first.
        times: How many requests it spoils; None is until it is cleared.
    """

    effect: Effect = "answer"
    operation: str = "*"
    moment: Moment = "before"
    times: int | None = 1
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 0.0


def down(operation: str = "*", times: int | None = None) -> Fault:
    """503, as when GitHub is down."""
    return Fault(operation=operation, times=times, status=503, body="No server is currently available.\n")


def rate_limited(seconds: int, operation: str = "*", times: int | None = 1) -> Fault:
    """429 with `Retry-After`."""
    headers = {"Retry-After": str(seconds)}
    return Fault(operation=operation, times=times, status=429, headers=headers, body="Too many requests.\n")


def lost_reply(operation: str = "*", times: int | None = 1) -> Fault:
    """The request takes effect; its answer never arrives."""
    return Fault("lost", operation, "after", times)


class FaultScript:
    """The faults to come, in order; switchable from any thread while the server runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int | None]] = []

    def add(self, *faults: Fault) -> None:
        """Let these happen, after those that wait already."""
        with self._lock:
            self._waiting.extend((fault, fault.times) for fault in faults)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._waiting.clear()

    def take(self, operation: str, moment: Moment) -> Fault | None:
        """The first waiting fault that fits, used up once."""
        with self._lock:
            for place, (fault, left) in enumerate(self._waiting):
                if _fits(fault, operation, moment):
                    if left is not None:
                        self._waiting[place : place + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None

    def waits(self, operation: str, moment: Moment) -> bool:
        """Whether a fault that fits waits to be taken."""
        with self._lock:
            return any(_fits(fault, operation, moment) for fault, _ in self._waiting)

    def pending(self) -> list[Fault]:
        """The faults that have not been used up: a test may assert that none is left."""
        with self._lock:
            return [fault for fault, _ in self._waiting]


def _fits(fault: Fault, operation: str, moment: Moment) -> bool:
    return fault.moment == moment and fnmatch.fnmatchcase(operation, fault.operation)
