"""What this runtime knows of one replica, kept as refs of the shadow repository.

Refs, because they survive a crash and keep what they name from being collected; they may be deleted like any
cache: then the replica is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitsession.git import refs
from gitsession.git.command import Repository

PREFIX = "refs/gitsession-replica"


@dataclass
class Ledger:
    """The refs `refs/gitsession-replica/<replica>/…` of a repository.

    What was read or noted once is remembered: nobody else writes them while this one lives.
    """

    repository: Repository
    replica: str
    _known: dict[str, str] | None = field(default=None, init=False, repr=False)

    def read(self) -> dict[str, str]:
        """What was noted: name to object."""
        if self._known is None:
            place = f"{PREFIX}/{self.replica}/"
            found = refs.listed(self.repository, place)
            self._known = {name.removeprefix(place): ref.oid for name, ref in found.items()}
        return dict(self._known)

    def note(self, values: Mapping[str, str | None]) -> None:
        """Note several objects at once; None strikes a name out."""
        known = self.read()
        new = {name: oid for name, oid in values.items() if oid is not None and known.get(name) != oid}
        gone = {name: known[name] for name, oid in values.items() if oid is None and name in known}
        if not new and not gone:
            return
        self._known = None
        refs.update(
            self.repository,
            {self._ref(name): oid for name, oid in new.items()},
            {self._ref(name): oid for name, oid in gone.items()},
        )
        self._known = {name: oid for name, oid in {**known, **new}.items() if name not in gone}

    def _ref(self, name: str) -> str:
        return f"{PREFIX}/{self.replica}/{name}"
