"""Waiting for two slow places at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

Aside = TypeVar("Aside")
Here = TypeVar("Here")


def both(aside: Callable[[], Aside], here: Callable[[], Here]) -> tuple[Aside, Here]:
    """Do two things at once, the second in this thread, so that an interrupt ends it.

    The first must have a time limit of its own: after an interrupt it is left to that. What either raises is
    raised here.

    Example:
        >>> both(lambda: 1, lambda: "two")
        (1, 'two')
    """
    answers: list[Aside] = []
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            answers.append(aside())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=ask, name="aside", daemon=True)
    thread.start()
    answer = here()
    thread.join()
    if failures:
        raise failures[0]
    return answers[0], answer
