"""The packages that the session's notebooks installed, so that the next machine can be given them too."""

from __future__ import annotations

import json
import re
from contextlib import suppress

from gitsession.errors import FormatError
from gitsession.git import Repository, history
from gitsession.review.template import changed_packages
from gitsession.snapshot import trailers

# what is shown to be run comes from commits that others may have written: PEP 508's names, PEP 440's versions
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.!+_-]*)")
_RECORDED = '--grep=^Gitsession-Ran: .*"changed": {"'


class Packages:
    """What pip changed in the session, on whichever machine, by what the records of runs tell."""

    def __init__(self) -> None:
        self._runs: list[dict[str, object]] = []

    def note(self, ran: str) -> None:
        """Take in one record, the newest so far: a line of JSON."""
        with suppress(ValueError):
            told = json.loads(ran)
            if isinstance(told, dict) and told.get("changed"):
                self._runs.append({"changed": told["changed"]})

    def recall(self, repository: Repository, tip: str) -> None:
        """Take in what the snapshots behind one tell.

        Raises:
            GitError: They cannot be read.
        """
        for entry in reversed([*history.chain(repository, tip, _RECORDED)]):
            with suppress(FormatError):
                self.note(trailers.parse(entry.message).ran or "")

    def wanted(self) -> tuple[str, ...]:
        """What was installed or updated and is not removed since, as `name==version`, by name."""
        changed = changed_packages(self._runs)
        return tuple(
            f"{name}=={now}"
            for name, (before, now) in sorted(changed.items())
            if now not in (None, before) and _NAME.fullmatch(name) and _VERSION.fullmatch(str(now))
        )
