"""What the user's own configuration of git says."""

from __future__ import annotations

from pathlib import Path

from gitsession import run
from gitsession.git.command import LOCAL_TIMEOUT, Repository, environment, failure

_TRUST = r"^http\.(.*\.)?ssl(cainfo|capath|verify)$"
_TRUE = ("", "1", "on", "true", "yes")
_OF_THE_CLONE = ("local", "worktree")


def hooks_path(git_dir: Path) -> str | None:
    """The user's `core.hooksPath`, from whichever file sets it; None where hooks lie in the repository.

    Raises:
        GitError: The configuration cannot be read.
    """
    done = Repository(git_dir, as_user=True).run("config", "--null", "--get", "core.hooksPath", accept=(0, 1))
    return None if done.code else done.stdout.decode("utf-8", "surrogateescape").rstrip("\0")


def own_trust(git_dir: Path | None) -> list[str]:
    """The settings by which a clone itself says whose certificates are good, wherever its files say so.

    What the user has set for all their clones is not among them, nor what a `http.sslVerify=true` of ours for
    the same URL stands over: only one for a way with a user name in it would win over that.

    Args:
        git_dir: The repository; None for the one that git finds where we stand.

    Raises:
        GitError: The configuration cannot be read.
        OSError: There is no git.
        TimedOut: It did not end.
    """
    where = () if git_dir is None else (f"--git-dir={git_dir}",)
    argv = ("git", *where, "config", "--show-scope", "--null", "--get-regexp", _TRUST)
    done = run.run(argv, timeout=LOCAL_TIMEOUT, env=environment())  # git waits, and GitPython is slow to load
    if done.code not in (0, 1):
        raise failure("config", done)
    said = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    entries = (
        entry.partition("\n")
        for scope, entry in zip(said[::2], said[1::2], strict=False)
        if scope in _OF_THE_CLONE
    )
    return [key for key, separator, value in entries if _decides(key, value if separator else "true")]


def _decides(key: str, value: str) -> bool:
    return not key.endswith(".sslverify") or ("@" in key and value.lower() not in _TRUE)
