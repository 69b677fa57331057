"""What a push came to: decided by what the remote's refs name afterwards, never by the push's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from gitsession.errors import (
    AuthorisationError,
    GitError,
    GitTimeout,
    LeaseLost,
    Refusal,
    RefusedError,
    TokenRefused,
)
from gitsession.git.command import reason
from gitsession.git.transfer import Pushed, Update
from gitsession.replicas.refusal import AUTHORISATION, parse_refusal

SAFE_HERE = "Everything is still on this machine, and in the vault if there is one."

UNREACHABLE = "Check the network and the address; a running session tries again by itself."


def moved_elsewhere(updates: Sequence[Update], listed: Mapping[str, str]) -> LeaseLost | None:
    """The lost lease, where a ref is neither where it was left nor where the push would have put it."""
    for update in updates:
        found = listed.get(update.ref)
        if found not in (update.new, update.old):
            return lease_lost(update.ref, found)
    return None


def arrived(updates: Sequence[Update], listed: Mapping[str, str]) -> bool:
    """Whether every ref is where the push would have put it."""
    return all(listed.get(update.ref) == update.new for update in updates)


def lease_lost(ref: str, found: str | None) -> LeaseLost:
    """The error for a ref that somebody else moved, or deleted when nothing is found."""
    done = "was deleted on the remote" if found is None else "was moved by another runtime or a person"
    return LeaseLost(
        f"{ref} {done}.",
        ref=ref,
        found=found,
        safe="Nothing was overwritten; every snapshot of this runtime is kept.",
        hint="The session goes on under a new name.",
    )


def push_failed(pushed: Pushed) -> GitError | AuthorisationError:
    """The error for a push that left the remote's refs as they were."""
    words = "\n".join(
        [pushed.stderr, *(outcome.summary for outcome in pushed.outcomes if outcome.flag == "!")]
    )
    refusal = parse_refusal(words)
    if refusal is None or refusal.kind in ("rate-limit", "moved"):
        why = refusal.detail if refusal is not None else reason(pushed.stderr) or f"exit code {pushed.code}"
        return GitError(
            f"The push did not arrive: {why}", stderr=words, safe=SAFE_HERE, hint="It is tried again."
        )
    if refusal.kind in AUTHORISATION:
        return _not_let_in(refusal)
    return RefusedError(
        f"The remote refused the push: {refusal.detail}",
        refusal=refusal,
        stderr=words,
        safe=SAFE_HERE,
        hint=refusal.hint,
    )


def _not_let_in(refusal: Refusal) -> AuthorisationError:
    kind = TokenRefused if refusal.kind == "authentication" else AuthorisationError
    return kind(f"The remote refused: {refusal.detail}", safe=SAFE_HERE, hint=refusal.hint)


@contextmanager
def translated() -> Iterator[None]:
    """Let a failure to read the remote be an `AuthorisationError` where it is one, and have a hint."""
    try:
        yield
    except GitTimeout:
        raise
    except GitError as failed:
        refusal = parse_refusal(failed.stderr)
        if refusal is not None and refusal.kind in AUTHORISATION:
            raise _not_let_in(refusal) from failed
        if "fsck" not in failed.stderr:
            failed.safe, failed.hint = failed.safe or SAFE_HERE, failed.hint or UNREACHABLE
        raise
