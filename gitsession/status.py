"""What `status` tells, as values and as the JSON of the interface contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gitsession.model import Held, Level, Skipped, Snapshot


@dataclass(frozen=True)
class ReplicaStatus:
    """What one replica has: the last acknowledged snapshot, how strongly, what waits, and what went wrong.

    `interval` is the shortest time between two shipments, in seconds; a flush waits for none.
    """

    name: str
    level: Level
    acknowledged: int
    pending: int
    error: str = ""
    interval: float = 10.0


@dataclass(frozen=True)
class Deadline:
    """When this runtime is expected to end (seconds since 1970); an estimate unless the platform said so."""

    at: float
    estimate: bool = True


@dataclass(frozen=True)
class EditorStatus:
    """Where the editor answers, without a ticket, and whether it does; no `url` while no tunnel is open."""

    url: str | None
    healthy: bool


@dataclass(frozen=True)
class Status:
    """Everything that `status` shows; `to_json` gives the form of the interface contract."""

    session: str
    repo: str
    branch: str | None
    worktree: Path
    state: str
    snapshot: Snapshot | None
    replicas: tuple[ReplicaStatus, ...] = ()
    at_risk: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    deadline: Deadline | None = None
    editor: EditorStatus | None = None
    agent_pid: int = 0
    agent_pss: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """How strongly all of the work is saved, held files too: as the best place that waits for nothing."""
        known = [replica.level for replica in self.replicas if not replica.pending]
        return min([max(known, default=Level.LOCAL), *(held.level for held in self.held)])

    def to_json(self) -> dict[str, Any]:
        """What `gitsession status --json` prints; sizes in bytes, times in seconds since 1970."""
        snapshot = self.snapshot
        return {
            "session": self.session,
            "repo": self.repo,
            "branch": self.branch,
            "worktree": str(self.worktree),
            "state": self.state,
            "snapshot": snapshot
            and {"number": snapshot.number, "commit": snapshot.commit, "at": snapshot.at},
            "replicas": [
                {
                    "name": replica.name,
                    "level": str(replica.level),
                    "acknowledged": replica.acknowledged,
                    "pending": replica.pending,
                    "error": replica.error or None,
                    "interval": replica.interval,
                }
                for replica in self.replicas
            ],
            "at_risk": list(self.at_risk),
            "held": [
                {
                    "path": held.path,
                    "reason": held.reason,
                    "size": held.size,
                    "level": str(held.level),
                    "finding": held.finding or None,
                }
                for held in self.held
            ],
            "skipped": [{"path": skipped.path, "reason": skipped.reason} for skipped in self.skipped],
            "notes": list(self.notes),
            "deadline": self.deadline and {"at": self.deadline.at, "estimate": self.deadline.estimate},
            "editor": self.editor and {"url": self.editor.url, "healthy": self.editor.healthy},
            "agent": {"pid": self.agent_pid, "pss": self.agent_pss},
            **self.extra,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Status:
        """The status that `to_json` wrote; what it does not know lands in `extra`."""
        snapshot, deadline, editor = document["snapshot"], document["deadline"], document["editor"]
        return cls(
            session=document["session"],
            repo=document["repo"],
            branch=document["branch"],
            worktree=Path(document["worktree"]),
            state=document["state"],
            snapshot=snapshot and Snapshot(snapshot["number"], snapshot["commit"], snapshot["at"]),
            replicas=tuple(
                ReplicaStatus(
                    replica["name"],
                    Level[replica["level"].upper()],
                    replica["acknowledged"],
                    replica["pending"],
                    replica["error"] or "",
                    replica["interval"],
                )
                for replica in document["replicas"]
            ),
            at_risk=tuple(document["at_risk"]),
            held=tuple(
                Held(
                    held["path"],
                    held["reason"],
                    held["size"],
                    level=Level[held["level"].upper()],
                    finding=held.get("finding") or "",
                )
                for held in document["held"]
            ),
            skipped=tuple(Skipped(entry["path"], entry["reason"]) for entry in document.get("skipped", ())),
            notes=tuple(document.get("notes", ())),
            deadline=deadline and Deadline(deadline["at"], deadline["estimate"]),
            editor=editor and EditorStatus(editor["url"], editor["healthy"]),
            agent_pid=document["agent"]["pid"],
            agent_pss=document["agent"]["pss"],
            extra={name: document[name] for name in document.keys() - _STATUS_KEYS},
        )


_STATUS_KEYS = frozenset(
    {"session", "repo", "branch", "worktree", "state", "snapshot", "replicas", "at_risk", "held"}
    | {"skipped", "notes", "deadline", "editor", "agent"}
)
