"""What this runtime knows of one replica, kept as refs of the shadow repository.

Refs, because they survive a crash and keep what they name from being collected; they may be deleted like any
cache: then the replica is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitsession.git import refs
from gitsession.git.command import Repository

PREFIX = "refs/gitsession-replica"


@dataclass(frozen=True)
class Ledger:
    """The refs `refs/gitsession-replica/<replica>/…` of a repository."""

    repository: Repository
    replica: str

    def read(self) -> dict[str, str]:
        """What was noted: name to object."""
        place = f"{PREFIX}/{self.replica}/"
        return {
            name.removeprefix(place): ref.oid for name, ref in refs.listed(self.repository, place).items()
        }

    def note(self, values: Mapping[str, str | None]) -> None:
        """Note several objects at once; None strikes a name out."""
        known = self.read() if None in values.values() else {}
        gone = {name: known[name] for name, oid in values.items() if oid is None and name in known}
        refs.update(
            self.repository,
            {self._ref(name): oid for name, oid in values.items() if oid is not None},
            {self._ref(name): oid for name, oid in gone.items()},
        )

    def _ref(self, name: str) -> str:
        return f"{PREFIX}/{self.replica}/{name}"
