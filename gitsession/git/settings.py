"""What the user's own configuration of git says."""

from __future__ import annotations

from pathlib import Path

from gitsession.git.command import Repository


def hooks_path(git_dir: Path) -> str | None:
    """The user's `core.hooksPath`, from whichever file sets it; None where hooks lie in the repository.

    Raises:
        GitError: The configuration cannot be read.
    """
    done = Repository(git_dir, as_user=True).run("config", "--null", "--get", "core.hooksPath", accept=(0, 1))
    return None if done.code else done.stdout.decode("utf-8", "surrogateescape").rstrip("\0")
