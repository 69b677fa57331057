"""A machine that can be killed as a whole and wiped: what Colab does to people.

Stands for one runtime at a time: own home, own state, own work folder, own temporary folder, scrubbed
environment. `kill` stops every process of it at once, however detached; `wipe` leaves only what is durable.
Does not imitate: a file system of its own (unsynced writes survive a kill here), another kernel, boot id or
network address, nor separate users.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.rig import errors_met, processes
from tests.rig.processes import Seen
from tests.rig.repositories import PROJECT

MARK = "GITSESSION_RIG_RUNTIME"
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
IDENTITY = """\
[user]
\tname = Ada Lovelace
\temail = ada@example.org
[init]
\tdefaultBranch = main
[advice]
\tdetachedHead = false
"""


@dataclass(frozen=True)
class Finished:
    """A command that ended by itself."""

    code: int
    stdout: str
    stderr: str


@dataclass
class Runtime:
    """One simulated machine.

    Args:
        root: Its folder; keep it short, Unix sockets below it must stay under 100 bytes.
        durable: Folders that `wipe` spares, like a Drive mount; `root/drive` always is one.
        extra: More environment variables for every command.

    Example:
        >>> runtime.run("git", "clone", url, "work")
        >>> agent = runtime.start("gitsession", "open", url)
        >>> runtime.kill()
        >>> runtime.wipe()
    """

    root: Path
    durable: tuple[Path, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self) -> None:
        self._furnish()

    @property
    def home(self) -> Path:
        """The home folder, with git's identity in `.gitconfig`."""
        return self.root / "home"

    @property
    def state(self) -> Path:
        """`GITSESSION_HOME`."""
        return self.root / "s"

    @property
    def work(self) -> Path:
        """Where commands start, and where clones go."""
        return self.root / "work"

    @property
    def drive(self) -> Path:
        """A durable folder, for a vault."""
        return self.root / "drive"

    @property
    def env(self) -> dict[str, str]:
        """The complete environment of its commands."""
        passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return {**passed, **self._folders(), **self.extra, MARK: self.mark}

    def _folders(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "TMPDIR": str(self.root / "tmp"),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_DATA_HOME": str(self.home / ".local/share"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_STATE_HOME": str(self.home / ".local/state"),
            "GITSESSION_HOME": str(self.state),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "PYTHONPATH": str(PROJECT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def start(
        self,
        *argv: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.DEVNULL,
        stderr: int | IO[bytes] = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start a command in it, leading a session of its own."""
        return subprocess.Popen(
            argv,
            cwd=cwd or self.work,
            env={**self.env, **(env or {})},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )

    def run(
        self,
        *argv: str,
        timeout: float = 60.0,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        check: bool = True,
    ) -> Finished:
        """Run a command in it to its end; what it left running stays.

        Output goes through files, so that a daemon that inherits them does not hold this call up.

        Raises:
            AssertionError: It failed and `check` is set.
            subprocess.TimeoutExpired: It outlived `timeout` seconds and was killed.
        """
        folder = self.root / "out" / secrets.token_hex(4)
        folder.mkdir(parents=True)
        (folder / "in").write_text(stdin)
        with (folder / "in").open("rb") as given, (folder / "out").open("wb") as out:
            with (folder / "err").open("wb") as err:
                process = self.start(*argv, cwd=cwd, env=env, stdin=given, stdout=out, stderr=err)
            try:
                process.wait(timeout)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        texts = [(folder / name).read_text(errors="replace") for name in ("out", "err")]
        shutil.rmtree(folder)
        finished = Finished(process.returncode, *texts)
        errors_met.hear("".join(texts))
        if check and finished.code:
            raise AssertionError(
                f"{' '.join(argv)} exited {finished.code}\n{finished.stderr}{finished.stdout}"
            )
        return finished

    def python(self, code: str, *arguments: str, timeout: float = 60.0) -> Finished:
        """Run Python code in it, with the product importable."""
        return self.run(sys.executable, "-c", code, *arguments, timeout=timeout)

    def processes(self) -> list[Seen]:
        """Every process of it: by the mark in its environment, or by this runtime's folder in its traces."""
        found = {seen.pid: seen for mark in (self.mark, f"{self.root}/") for seen in processes.carrying(mark)}
        return list(found.values())

    def kill(self) -> list[Seen]:
        """End it as a machine ends: SIGKILL to every process until none is left; answers with the killed."""
        killed = processes.end_all(self.mark)
        return killed + processes.end_all(f"{self.root}/")

    def wipe(self) -> None:
        """Delete everything of it but the durable folders, as if a new machine had been handed out.

        Raises:
            AssertionError: Something still runs in it.
        """
        if running := self.processes():
            raise AssertionError(f"kill the runtime before wiping it: {', '.join(map(str, running))}")
        spared = {self.drive, *self.durable}
        for entry in self.root.iterdir():
            _delete(entry, spared)
        self._furnish()

    def _furnish(self) -> None:
        for folder in (self.home, self.state, self.work, self.drive, self.root / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o700)
        (self.home / ".gitconfig").write_text(IDENTITY)


def _delete(path: Path, spared: set[Path]) -> None:
    if path in spared:
        return
    if any(path in keep.parents for keep in spared):
        for entry in path.iterdir():
            _delete(entry, spared)
    elif path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
