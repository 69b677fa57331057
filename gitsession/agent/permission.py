"""What the user lets pass although the guard would hold it; kept with the session."""

from __future__ import annotations

from collections.abc import Collection

from gitsession.agent.contents import Contents, Signature
from gitsession.replicas.guard import HARD_SIZE_LIMIT, Allowed, Guard


class Permission:
    """Asked by the snapshots, the guard and the churn rules; changed on the agent's main thread.

    Args:
        contents: Where it is kept.
        guard: Follows it.
    """

    def __init__(self, contents: Contents, guard: Guard) -> None:
        self._contents = contents
        self._guard = guard
        self._large: dict[str, Signature] = {}
        guard.salt = contents.salt
        guard.allowed = Allowed.from_json({kind: list(items) for kind, items in contents.allowed.items()})

    def passes(self, path: str) -> bool:
        """Whether a path may leave, whatever is in it."""
        return self._guard.allowed.allows_path(path)

    def may_be_large(self, path: str) -> bool:
        """Whether a file over the session's limit may go into snapshots, while GitHub would take it."""
        seen = self._contents.see(path)
        if seen is None or seen.signature[1] > HARD_SIZE_LIMIT:
            return False
        by_name = self.passes(path) or f"size:{path}" in self._guard.allowed.findings
        return by_name or self._large.get(path) == seen.signature

    def allow(
        self, *, paths: Collection[str] = (), findings: Collection[str] = (), once: Collection[str] = ()
    ) -> None:
        """Let more pass, and keep that with the session; see `Allowed`."""
        allowed = self._guard.allowed.allow(paths=paths, findings=findings, once=once)
        self._guard.allowed = allowed
        self._contents.allow(allowed.to_json())

    def allow_as_it_is(self, path: str) -> None:
        """Let a large file pass with the content that it has now."""
        seen = self._contents.see(path)
        if seen is not None:
            self._large[path] = seen.signature
