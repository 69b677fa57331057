"""How the person who opens is spoken to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gitsession.git.progress import Listen


@dataclass(frozen=True)
class Person:
    """How the person who opens is spoken to.

    Args:
        listen: Told of git's progress.
        consent: Asked before something restored may later run a program.
        tell: Says what they must know before their platform asks them something.
    """

    listen: Listen | None
    consent: Callable[[str], bool]
    tell: Callable[[str], None]
