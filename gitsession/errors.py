"""Every error a person can meet, drawn as one tree.

GitsessionError                 exit  1   the user can mend it
├── UsageError                        2   the call itself is malformed
│   └── AddressError                      a repository's name or URL is refused
├── RepositoryError                   1   no such repository, empty, or not one of git's
│   ├── NotFoundError
│   └── WorkTreeError                     the work directory is in the way
├── SessionError                      1   no such session, several, or already running
├── AuthorisationError                4   no token, a wrong one, or too little permission
│   └── TokenMissing                      none was to be had, and the repository cannot be read without one
├── NotSafeYet                        3   the asked level was not reached in time
├── GitError                          1   git said no
│   ├── GitTimeout
│   ├── LeaseLost                         another runtime, or a person, moved or deleted the session's ref
│   └── RefusedError                      the remote refused a push, and why
├── SaveError                         1   this machine's disk refuses a snapshot
├── StorageError                      1   the vault cannot be read or written
│   └── ConsentRefused                    the person was asked for their storage and said no
├── FormatError                       1   written by a newer gitsession, or damaged
├── AgentError                        1   the background process is gone or does not answer
├── EditorError                       1   code-server or its tunnel
├── HubError                          1   GitHub's API
│   ├── NoAnswer                          it did not answer, so that the effect is unknown
│   └── RateLimited                       it asks us to wait
└── Bug                              70   ours: with a traceback and where to report
"""

from __future__ import annotations

from dataclasses import dataclass

from gitsession.wording import inert_lines

OBJECT_LOST = (
    "`git fsck` in your repository names what is damaged; an earlier snapshot may have it: `gitsession log`."
)
"""What to do where an object is not there that must be."""


class GitsessionError(Exception):
    """What happened, what is still safe, and what to do next.

    Args:
        what: One sentence: what happened.
        safe: One sentence: what is still safe. Empty when nothing was at stake.
        hint: One sentence: what to do next.

    Example:
        >>> print(SessionError("No session here.", hint="Run `gitsession open user/repo`."))
        No session here.
        Run `gitsession open user/repo`.
    """

    exit_code = 1

    def __init__(self, what: str, *, safe: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.safe = safe
        self.hint = hint

    def __str__(self) -> str:
        return "\n".join(inert_lines(line) for line in (self.what, self.safe, self.hint) if line)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return [f"gitsession: {line}" if at == 0 else line for at, line in enumerate(str(self).split("\n"))]


class UsageError(GitsessionError):
    """The call itself is malformed."""

    exit_code = 2


class AddressError(UsageError):
    """A repository's name or URL is malformed or refused."""


class RepositoryError(GitsessionError):
    """A repository that cannot be used as it is."""


class NotFoundError(RepositoryError):
    """No such repository, or none that this token can see."""


class WorkTreeError(RepositoryError):
    """The work directory cannot be used without losing something."""


class SessionError(GitsessionError):
    """No such session, more than one, or one that is already running."""


class AuthorisationError(GitsessionError):
    """No token, a wrong one, or too little permission."""

    exit_code = 4


class TokenMissing(AuthorisationError):
    """No token was to be had, and the repository cannot be read without one."""


class TokenRefused(AuthorisationError):
    """The server does not accept the token: it has ended, was revoked, or never was one."""


class NotSafeYet(GitsessionError):
    """The asked durability level was not reached in time."""

    exit_code = 3


class GitError(GitsessionError):
    """A git command failed; `stderr` is what git said, with secrets redacted."""

    def __init__(self, what: str, *, stderr: str = "", safe: str = "", hint: str = "") -> None:
        super().__init__(what, safe=safe, hint=hint)
        self.stderr = stderr


class GitTimeout(GitError):
    """A git command outlived its time limit and was ended."""


class LeaseLost(GitError):
    """A ref of the session is no longer where this runtime left it; nothing was overwritten.

    `ref` is the one that moved, `found` the object it names now, None when it was deleted.
    """

    def __init__(
        self, what: str, *, ref: str = "", found: str | None = None, safe: str = "", hint: str = ""
    ) -> None:
        super().__init__(what, safe=safe, hint=hint)
        self.ref = ref
        self.found = found


@dataclass(frozen=True)
class Refusal:
    """Why a remote refused a push.

    Args:
        kind: One word for the case, see `gitsession.replicas.refusal.KINDS`.
        paths: The files that it named, relative to the work tree.
        detail: Its own decisive words, one line.
        hint: What the person can do.
        commits: The commits that it named, possibly abbreviated.
        branch: The refused thing is the branch itself, so that the state ref alone may still pass.
    """

    kind: str
    paths: tuple[str, ...] = ()
    detail: str = ""
    hint: str = ""
    commits: tuple[str, ...] = ()
    branch: bool = False


class RefusedError(GitError):
    """The remote refused a push; `refusal` says why."""

    def __init__(
        self, what: str, *, refusal: Refusal | None = None, stderr: str = "", safe: str = "", hint: str = ""
    ) -> None:
        super().__init__(what, stderr=stderr, safe=safe, hint=hint)
        self.refusal = refusal or Refusal("unknown", detail=what)


class SaveError(GitsessionError):
    """This machine's disk refuses a snapshot; the ones before stand."""


class StorageError(GitsessionError):
    """The vault cannot be read or written."""


class ConsentRefused(StorageError):
    """The person was asked for their storage and said no."""


class FormatError(GitsessionError):
    """Something was written by a newer gitsession, or is damaged."""


class NewerFormat(FormatError):
    """A newer gitsession wrote it: it is whole, and read after an upgrade."""


class AgentError(GitsessionError):
    """The background process of a session is gone or does not answer."""


class EditorError(GitsessionError):
    """The editor or its tunnel cannot be had."""


class HubError(GitsessionError):
    """GitHub's API refused or did not answer."""


class NoAnswer(HubError):
    """No usable answer came: what was asked may or may not have happened."""


class RateLimited(HubError):
    """GitHub asks us to wait; `retry_after` says for how many seconds."""

    def __init__(self, what: str, *, retry_after: float = 60.0, safe: str = "", hint: str = "") -> None:
        super().__init__(what, safe=safe, hint=hint)
        self.retry_after = retry_after


class Bug(GitsessionError):
    """A mistake of ours."""

    exit_code = 70
