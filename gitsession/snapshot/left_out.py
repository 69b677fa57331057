"""What no snapshot holds, or not with its newest content, as far as the last looks saw."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from gitsession.model import Held, Skipped
from gitsession.snapshot import oddities
from gitsession.snapshot.capture import Capture
from gitsession.snapshot.rules import Rules
from gitsession.snapshot.sweep import Found


class LeftOut:
    """The skipped and the held paths of one work tree."""

    def __init__(self) -> None:
        self.skipped: dict[bytes, Skipped] = {}
        self.held: dict[bytes, Held] = {}

    def note(self, seen: Capture, looked: Collection[bytes] | None) -> None:
        """Take over what one pass left out; None as `looked` is a sweep, which starts the lists anew."""
        for path in (*self.skipped, *self.held) if looked is None else looked:
            self.skipped.pop(path, None)
            self.held.pop(path, None)
        self.skipped.update(seen.skipped)
        self.held.update(seen.held)

    def worth_a_look(self, found: Found, root: Path, rules: Rules) -> set[bytes]:
        """The paths that a sweep looks at although git lists none of them: skipped before, or no files."""
        again = set(self.skipped) - found.drop
        if found.directories is not None:
            again.update(oddities.find(os.fsencode(root), found.directories, rules.is_ignored))
        return again
