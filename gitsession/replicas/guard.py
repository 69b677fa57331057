"""What may leave this machine for the remote: each new blob is looked at once, before anything is pushed.

A blob that could not be looked at is held like one with a secret in it: nothing leaves unchecked.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gitsession.git import Repository, blobs
from gitsession.replicas.scan import Seen
from gitsession.replicas.scanner import Scanner
from gitsession.replicas.secrets import fingerprint
from gitsession.replicas.spoken import redacted, secret_in_name

HARD_SIZE_LIMIT = 100_000_000  # GitHub refuses larger files, GH001
DEFAULT_SIZE_LIMIT = 50_000_000
UNCHECKED = "not yet checked for secrets"
ATTEMPTS = 3
ALLOW_ID_LENGTH = 10
MESSAGE = "a commit's message"  # the path of a commit's own words
WORKFLOWS = ".github/workflows/"


@dataclass(frozen=True)
class Finding:
    """Why the new content of a path may not leave.

    Args:
        path: Relative to the work tree.
        oid: The blob.
        kind: `size`, `secret`, `workflow` or `unchecked`.
        reason: One phrase for people, such as `secret: AWS access key in line 3`.
        line: The line in the file, 1 the first; 0 where there is none to name.
        allow_id: The name to allow this one finding by, for good and in later versions of the file too;
            empty for what GitHub would refuse in any case.
    """

    path: str
    oid: str
    kind: str
    reason: str
    line: int
    allow_id: str


@dataclass(frozen=True)
class Allowed:
    """What the user lets pass; kept with the session.

    Args:
        paths: Paths, or patterns such as `tests/*.pem`, that are not checked.
        findings: Findings by their `allow_id`, for good.
        once: Blobs by their object id: this content and no other.
    """

    paths: frozenset[str] = frozenset()
    findings: frozenset[str] = frozenset()
    once: frozenset[str] = frozenset()

    def allows_path(self, path: str) -> bool:
        """Whether a path is allowed, whatever is in it."""
        return path in self.paths or any(fnmatch.fnmatchcase(path, pattern) for pattern in self.paths)

    def allows(self, finding: Finding) -> bool:
        """Whether a finding is allowed; what GitHub refuses in any case never is."""
        if not finding.allow_id:
            return False
        return finding.allow_id in self.findings or finding.oid in self.once or self.allows_path(finding.path)

    def allow(
        self, *, paths: Collection[str] = (), findings: Collection[str] = (), once: Collection[str] = ()
    ) -> Allowed:
        """The same with more allowed."""
        return replace(
            self, paths=self.paths | {*paths}, findings=self.findings | {*findings}, once=self.once | {*once}
        )

    def to_json(self) -> dict[str, list[str]]:
        """The form in which a session keeps it."""
        return {
            "paths": sorted(self.paths),
            "findings": sorted(self.findings),
            "once": sorted(self.once),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Allowed:
        """Read what `to_json` wrote; anything but lists of strings allows nothing."""
        return cls(**{name: _strings(stored.get(name)) for name in ("paths", "findings", "once")})


def _strings(value: Any) -> frozenset[str]:
    return (
        frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()
    )


@dataclass
class Guard:
    """Looks at blobs before they leave; remembers each, so that none is read twice.

    Args:
        repository: Where the blobs are, visible to git.
        allowed: What the user lets pass; may be replaced at any time.
        size_limit: Bytes above which a file is held.
        workflows: Whether the token may change `.github/workflows`.
        salt: The session's own, so that nobody else can guess a secret from the name of its finding.
        scanner: Where blobs are read: a process of its own.

    Example:
        >>> Guard(shadow, Allowed()).check([("e69de29…", "train.py")])  # doctest: +SKIP
        ()
    """

    repository: Repository
    allowed: Allowed = Allowed()
    size_limit: int = DEFAULT_SIZE_LIMIT
    workflows: bool = True
    salt: str = ""
    scanner: Scanner = field(default_factory=Scanner)
    _seen: dict[tuple[str, str], tuple[Seen, ...]] = field(default_factory=dict, repr=False)
    _failures: dict[tuple[str, str], int] = field(default_factory=dict, repr=False)

    def check(self, oids_with_paths: Iterable[tuple[str, str]]) -> tuple[Finding, ...]:
        """Look at new blobs, given as `(oid, path)`; what comes back may not leave.

        Blocks while the other process reads: a few milliseconds a megabyte, bounded by a time limit per blob.
        Never raises for what a blob contains.

        Raises:
            GitError: The repository cannot be read at all.
        """
        asked = tuple(dict.fromkeys(oids_with_paths))
        sizes = blobs.sizes(self.repository, list({oid for oid, _ in asked}))
        findings = [finding for finding in self._outside(asked, sizes) if not self.allowed.allows(finding)]
        held = {(finding.oid, finding.path) for finding in findings}
        inside = [item for item in asked if item not in held and not self.allowed.allows_path(item[1])]
        self._look(inside, sizes)
        findings.extend(
            finding for item in inside for finding in self._inside(*item) if not self.allowed.allows(finding)
        )
        order = {item: position for position, item in enumerate(asked)}
        return tuple(sorted(findings, key=lambda finding: order[finding.oid, finding.path]))

    def check_name(self, commit: str, path: str) -> tuple[Finding, ...]:
        """What of the name of a path that a commit adds may not leave; the finding tells it with a mask."""
        secret = secret_in_name(path)
        if secret is None or self.allowed.allows_path(path):
            return ()
        name = self._allow_id(fingerprint(secret.kind, path, secret.value))
        shown = redacted(path)
        finding = Finding(shown, commit, "secret", f"secret: {secret.kind} in the name {shown}", 0, name)
        return () if self.allowed.allows(finding) else (finding,)

    def _outside(self, asked: Iterable[tuple[str, str]], sizes: Mapping[str, int]) -> Iterator[Finding]:
        """What is known without reading a blob: it is too large, it is a workflow."""
        for oid, path in asked:
            size = sizes.get(oid, 0)
            if size > HARD_SIZE_LIMIT:
                yield Finding(path, oid, "size", f"too large for GitHub: {size / 1e6:,.0f} MB", 0, "")
            elif size > self.size_limit:
                reason = f"large: {size / 1e6:,.0f} MB, the limit is {self.size_limit / 1e6:,.0f} MB"
                yield Finding(path, oid, "size", reason, 0, f"size:{path}")
            if path.startswith(WORKFLOWS) and not self.workflows:
                reason = "a workflow, and the token lacks the `workflow` scope: open with one that has it"
                yield Finding(path, oid, "workflow", reason, 0, "")

    def _look(self, items: Iterable[tuple[str, str]], sizes: Mapping[str, int]) -> None:
        new = [
            (oid, path, sizes[oid])
            for oid, path in items
            if oid in sizes
            and (oid, path) not in self._seen
            and self._failures.get((oid, path), 0) < ATTEMPTS
        ]
        for item, seen in self.scanner.scan(self.repository, new):
            if seen is None:
                self._failures[item] = self._failures.get(item, 0) + 1
            else:
                self._seen[item] = seen

    def _inside(self, oid: str, path: str) -> Iterator[Finding]:
        seen = self._seen.get((oid, path))
        if seen is None:
            given_up = self._failures.get((oid, path), 0) >= ATTEMPTS
            reason = "could not be checked for secrets" if given_up else UNCHECKED
            yield Finding(path, oid, "unchecked", reason, 0, f"unchecked:{path}")
            return
        for secret in seen:
            name = self._allow_id(secret.fingerprint)
            yield Finding(path, oid, "secret", f"secret: {secret.kind} in {secret.where}", secret.line, name)

    def _allow_id(self, fingerprint: str) -> str:
        return hashlib.sha256(f"{self.salt}\0{fingerprint}".encode()).hexdigest()[:ALLOW_ID_LENGTH]
