"""What the user's own configuration of git says."""

from __future__ import annotations

from pathlib import Path

from gitsession.git.command import Repository, plain

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


def own_trust(place: Path) -> list[str]:
    """The settings by which a clone itself says whose certificates are good, wherever its files say so.

    What the user has set for all their clones is not among them, nor what a `http.sslVerify=true` of ours for
    the same URL stands over: only one for a way with a user name in it would win over that.

    Args:
        place: The repository, or a folder in its work tree.

    Raises:
        GitError: The configuration cannot be read.
    """
    asked = ("config", "--show-scope", "--null", "--get-regexp", _TRUST)
    is_repository = (place / "HEAD").exists()
    door = Repository(place, as_user=True) if is_repository else None
    done = door.run(*asked, accept=(0, 1)) if door else plain(*asked, cwd=place, accept=(0, 1))
    said = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    entries = (
        entry.partition("\n")
        for scope, entry in zip(said[::2], said[1::2], strict=False)
        if scope in _OF_THE_CLONE
    )
    return [key for key, separator, value in entries if _decides(key, value if separator else "true")]


def _decides(key: str, value: str) -> bool:
    return not key.endswith(".sslverify") or ("@" in key and value.lower() not in _TRUE)
