"""What the user lets pass although the guard would hold it; kept with the session."""

from __future__ import annotations

from collections.abc import Collection

from gitsession.agent.contents import Contents, Signature
from gitsession.replicas.guard import HARD_SIZE_LIMIT, Allowed, Guard
from gitsession.replicas.spoken import secret_in_name


class Permission:
    """Asked by the snapshots, the guard and the churn rules; changed on the agent's main thread.

    Args:
        contents: Where it is kept.
        guard: Follows it.
    """

    def __init__(self, contents: Contents, guard: Guard) -> None:
        self._contents = contents
        self._guard = guard
        self._as_it_is: dict[str, Signature] = {}
        guard.salt = contents.salt
        guard.allowed = Allowed.from_json({kind: list(items) for kind, items in contents.allowed.items()})

    def passes(self, path: str) -> bool:
        """Whether a path may leave, whatever is in it."""
        return self._guard.allowed.allows_path(path)

    def objection(self, path: str) -> str:
        """Why a path may not leave for its name alone; empty where it may, or was allowed."""
        secret = secret_in_name(path)
        return "" if secret is None or self._is_allowed(path) else f"secret: {secret.kind} in its name"

    def may_be_large(self, path: str) -> bool:
        """Whether a file over the session's limit may go into snapshots, while GitHub would take it."""
        seen = self._contents.see(path)
        if seen is None or seen.signature[1] > HARD_SIZE_LIMIT:
            return False
        return f"size:{path}" in self._guard.allowed.findings or self._is_allowed(path)

    def _is_allowed(self, path: str) -> bool:
        """Whether the user lets a path pass for good, or with the content that it has now."""
        seen = self._contents.see(path)
        as_it_is = seen is not None and self._as_it_is.get(path) == seen.signature
        return self.passes(path) or as_it_is

    def allow(
        self, *, paths: Collection[str] = (), findings: Collection[str] = (), once: Collection[str] = ()
    ) -> None:
        """Let more pass, and keep that with the session; see `Allowed`."""
        allowed = self._guard.allowed.allow(paths=paths, findings=findings, once=once)
        self._guard.allowed = allowed
        self._contents.allow(allowed.to_json())

    def allow_as_it_is(self, path: str) -> None:
        """Let a file pass, however large and of whatever name, with the content that it has now."""
        seen = self._contents.see(path)
        if seen is not None:
            self._as_it_is[path] = seen.signature
