"""Your repository, exactly as you left it, in an editor, on a machine that will disappear.

Example:
    >>> import gitsession
    >>> session = gitsession.open("ada/engine")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from gitsession.errors import (
    AddressError,
    AgentError,
    AuthorisationError,
    EditorError,
    FormatError,
    GitError,
    GitsessionError,
    HubError,
    NotFoundError,
    NotSafeYet,
    RepositoryError,
    SessionError,
    StorageError,
    UsageError,
    WorkTreeError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from gitsession.commands.list import Listed
    from gitsession.session import Session

__all__ = [
    "AddressError",
    "AgentError",
    "AuthorisationError",
    "EditorError",
    "FormatError",
    "GitError",
    "GitsessionError",
    "HubError",
    "NotFoundError",
    "NotSafeYet",
    "RepositoryError",
    "Session",
    "SessionError",
    "StorageError",
    "UsageError",
    "WorkTreeError",
    "list",
    "open",
]


def open(
    repo: str | Path,
    *,
    session: str | None = None,
    base: str | None = None,
    storage: str | Path | Literal[False] | None = None,
    workdir: str | Path | None = None,
    token: str | None = None,
    token_command: str | None = None,
    editor: Literal["auto", "lab"] | None = "auto",
    tunnel: Literal["auto", "ngrok", "colab", "none"] | None = "auto",
    tunnel_domain: str | None = None,
    tunnel_oauth: str | None = None,
    tunnel_auth: str | None = None,
    port: int | None = None,
    password: str | None = None,
    extensions: Sequence[str] = (),
    notebook: str | None = None,
    keep: Sequence[str] = (),
    lazy: Sequence[str] = (),
    max_file_size: str | int = "50MB",
    max_remote_size: str | int = "500MB",
    publish: bool = True,
    branch: Literal["visible", "hidden"] = "visible",
    branches: Literal["head", "all"] = "head",
    fork: Literal["auto", "always", "never"] = "auto",
    take_over: bool = False,
    create: bool = False,
    lifetime: str | float | None = None,
    notify: str | None = None,
    progress: bool = True,
) -> Session:
    """Open a repository, or resume your session on it, and keep saving it in the background.

    Args:
        repo: `user/repo`, a GitHub, pull request, blob or Colab URL, any git URL, or a path; `"."` adopts
            the clone you stand in.
        session: The session's name. By default your newest unfinished one, else a new one.
        base: The branch, tag or commit that a new session starts from.
        storage: Where the vault lies: `"drive"`, a folder, or False for none. By default
            `GITSESSION_STORAGE`, else the one that the repository's last session here was opened with, else
            what suits the machine.
        workdir: The work tree; by default `/content/<repo>` on Colab, `/kaggle/temp/<repo>` on Kaggle,
            `./<repo>` elsewhere.
        token: A GitHub token. By default `GITHUB_TOKEN`, `GH_TOKEN`, then what `gh auth token` prints.
        token_command: A command that prints a token; it is run again when the token is needed anew.
        editor: `"auto"` for VS Code in the browser where it can run, `"lab"` for JupyterLab, None for none.
        tunnel: How the editor is reached from outside.
        tunnel_domain: A domain that you reserved at ngrok, so that the address stays the same.
        tunnel_oauth: A provider of ngrok's, such as `"google"`, to sign in with before anything comes here.
        tunnel_auth: `user:password` that ngrok asks for before anything comes here. By default
            `GITSESSION_TUNNEL_AUTH`.
        port: A port for the editor; a free one by default.
        password: A password for the editor, for those who want one beside the link.
        extensions: VS Code extensions to install.
        notebook: The open notebook's path in the repository, so that it is saved too.
        keep: Patterns of files that git ignores and the vault shall hold all the same.
        lazy: Patterns of kept files to leave in the vault until asked for.
        max_file_size: Larger new content is held: it goes to the vault only.
        max_remote_size: How much large, often changing content a session may push.
        publish: Whether work is pushed at all; with False it goes to the vault only.
        branch: Whether work in progress shows as a branch that others fetch.
        branches: Which of your local branches travel with the session.
        fork: Whether to work on a fork, of a template on a private copy, where you may not push.
        take_over: Take the lease of another person's session instead of starting from it.
        create: Make a private repository where there is none.
        lifetime: How long this machine lasts, such as `"12h"`.
        notify: A URL that is told in one line when work is at risk.
        progress: Whether bars are shown on a terminal.

    Returns:
        The handle of the running session. It may be dropped: the session goes on.

    Raises:
        AddressError: `repo` is malformed.
        AuthorisationError: No token, a wrong one, or too little permission.
        NotFoundError: There is no such repository.
        WorkTreeError: Something else stands in the work directory.
        SessionError: The named session is finished.
        GitsessionError: Everything else; each says what happened, what is safe and what to do.

    Example:
        >>> session = gitsession.open("ada/engine", storage="drive")  # doctest: +SKIP
    """
    given = locals()
    from gitsession.commands.open import open_session
    from gitsession.resume.options import Options

    return open_session(Options(**given))


def list(
    repo: str, *, storage: str | Path | Literal[False] | None = None, token: str | None = None
) -> Sequence[Listed]:
    """The sessions of a repository, from its remote and from the vault.

    Args:
        repo: As in `open`.
        storage: Where the vault lies, as in `open`.
        token: A GitHub token, as in `open`.

    Returns:
        One entry per session: owner, name, base, snapshot number, where it is held, finished or not.

    Raises:
        NotFoundError: There is no such repository, and no vault knows it.
    """
    from gitsession.commands.list import list_sessions

    return list_sessions(repo, storage=storage, token=token)


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext gitsession` does: the magics `%gitsession` and `%%save`."""
    from gitsession.notebook.magics import register

    register(shell)


def __getattr__(name: str) -> Any:
    if name == "Session":
        from gitsession.session import Session

        return Session
    raise AttributeError(f"module 'gitsession' has no attribute {name!r}")
