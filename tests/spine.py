"""The command line on a simulated machine, and what a work tree looks like, for the end-to-end tests."""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rig.repositories import SHOWN
from tests.rig.runtime import Finished, Runtime


@dataclass(frozen=True)
class Machine:
    """A runtime on which `gitsession` is installed.

    Args:
        runtime: The simulated machine.
        repo: What `open` is given.
        options: What `open` is given besides.
        python: The interpreter that `gitsession` is installed in.
    """

    runtime: Runtime
    repo: str
    options: tuple[str, ...] = ()
    python: str = sys.executable

    @property
    def worktree(self) -> Path:
        return self.runtime.work / "tree"

    def gitsession(self, *arguments: str, check: bool = True, cwd: Path | None = None) -> Finished:
        return self.runtime.run(self.python, "-m", "gitsession", *arguments, check=check, cwd=cwd, timeout=90)

    def open(self, *more: str, check: bool = True) -> Any:
        """`gitsession open --json` with this machine's options; answers with its document."""
        done = self.gitsession(
            *("open", self.repo, "--workdir", str(self.worktree), "--editor", "none", "--json"),
            *self.options,
            *more,
            check=check,
        )
        print(done.stderr, file=sys.stderr)  # pytest shows it where a test fails
        return json.loads(done.stdout.splitlines()[-1])

    def json(self, *arguments: str) -> Any:
        return json.loads(self.gitsession(*arguments, "--json").stdout.splitlines()[-1])

    def git(self, *arguments: str, check: bool = True) -> str:
        return self.runtime.run("git", *arguments, cwd=self.worktree, check=check).stdout

    def shown(self) -> dict[str, str]:
        """What git tells the person about their repository."""
        return {" ".join(words): self.git(*words) for words in SHOWN}

    def lose(self) -> None:
        """The machine vanishes: every process is killed, everything but the durable folders is deleted."""
        self.runtime.kill()
        self.runtime.wipe()


def tree(directory: Path) -> dict[str, tuple[str, str]]:
    """Every path below a directory but `.git`: its mode and its content, the target for a symlink."""
    found: dict[str, tuple[str, str]] = {}
    for folder, folders, names in os.walk(directory):
        if Path(folder) == directory and ".git" in folders:
            folders.remove(".git")
        for name in names + [name for name in folders if (Path(folder) / name).is_symlink()]:
            path = Path(folder) / name
            found[str(path.relative_to(directory))] = _entry(path)
    return found


def _entry(path: Path) -> tuple[str, str]:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return ("symlink", str(path.readlink()))
    return ("executable" if mode & stat.S_IXUSR else "file", path.read_bytes().hex())
