"""How git is run: which environment, which base options, how long, and what a failure means."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from shutil import which
from typing import IO, TYPE_CHECKING

from gitsession import run
from gitsession.errors import GitError, GitTimeout
from gitsession.run import Process

if TYPE_CHECKING:
    from git import Git as GitPython

LOCAL_TIMEOUT = 60.0
NETWORK_TIMEOUT = 300.0

BASE_CONFIG = {
    "core.hooksPath": os.devnull,  # hooks of the user or of a template are never ours to run
    "core.fsmonitor": "false",  # it names a program to run
    "gc.auto": "0",  # packing is done by us, in bounded steps
    "maintenance.auto": "false",
    "core.quotePath": "false",
    "protocol.ext.allow": "never",  # an ext:: URL is a command line
    "http.lowSpeedLimit": "100",  # a stalled transfer ends by itself; a hung connect ends by our time limit
    "http.lowSpeedTime": "30",
    "core.pager": "cat",
    "color.ui": "false",
}
BASE_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",  # nobody is there to answer
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_OPTIONAL_LOCKS": "0",  # reading must not rewrite the user's index
    "GIT_NO_LAZY_FETCH": "1",  # a local question must not wait for a network
    "LC_ALL": "C.UTF-8",  # parsers below quote English
    "LANGUAGE": "C",
}
TRAVELLING = frozenset({"clone", "fetch", "lfs", "ls-remote", "push"})
PROTOCOLS = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh"}
# Before 2.39.4 git knows no GIT_NO_LAZY_FETCH: for a content that is missing it asks whom the clone names.
OFFLINE = {"GIT_ALLOW_PROTOCOL": "none"}
_CREDENTIALS_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@]+@", re.IGNORECASE)
_TOKEN = re.compile(
    r"\b(gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|Basic [A-Za-z0-9+/=]{8,}|Bearer \S{8,})"
)


def redact(text: str) -> str:
    """The text without credentials in URLs and without anything shaped like a token."""
    return _TOKEN.sub("<redacted>", _CREDENTIALS_IN_URL.sub(r"\1", text))


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a git call: the caller's without `GIT_*` and secrets, ours on top."""
    return run.clean_environment({**BASE_ENVIRONMENT, **(extra or {})})


def _name_git() -> None:
    """GitPython runs git when it is imported: let it not be one that lies in a folder where we stand."""
    absolute = run.search_path()
    if os.environ.get("PATH") not in (None, absolute) and (found := which("git", path=absolute)):
        os.environ.setdefault("GIT_PYTHON_GIT_EXECUTABLE", found)


def _door(directory: Path) -> GitPython:
    """GitPython's command builder, with `run` as the process that carries the command out."""
    _name_git()
    from git import Git

    class Door(Git):
        def execute(self, command: Sequence[str]) -> Sequence[str]:  # type: ignore[override]
            return command

    return Door(directory)


@dataclass(frozen=True)
class Repository:
    """A handle on one repository: what every call of ours names explicitly.

    Args:
        git_dir: The repository itself (`.git`, or a bare one).
        work_tree: The work tree, where the call needs one.
        index: An index file other than the repository's own.
        config: Further `-c` settings of every call.
        variables: Further environment variables of every call.
        as_user: The user asked for this very command: their hooks and settings apply.

    Example:
        >>> Repository(Path("project/.git")).text("rev-parse", "HEAD")  # doctest: +SKIP
    """

    git_dir: Path
    work_tree: Path | None = None
    index: Path | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    as_user: bool = False

    def run(
        self,
        command: str,
        *arguments: str | bytes,
        stdin: bytes | IO[bytes] | None = None,
        timeout: float = LOCAL_TIMEOUT,
        accept: Collection[int] = (0,),
        env: Mapping[str, str] | None = None,
        stdout: IO[bytes] | None = None,
        listen: Callable[[bytes], None] | None = None,
    ) -> run.Completed:
        """Run one git command to its end.

        Args:
            command: The subcommand, such as `"rev-parse"`.
            arguments: Its arguments; operands after options, separated by `--` where git allows it.
            stdin: What it reads, or the open file from whose position it reads.
            timeout: Seconds until it is ended with all it started.
            accept: Exit codes that are answers and not failures.
            env: Further environment variables of this call.
            stdout: The open file that it writes to, for output too large for memory.
            listen: Is handed each line of its stderr as it comes; then there is no `stdin` nor `stdout`.

        Raises:
            GitTimeout: It outlived `timeout`.
            GitError: It ended with a code outside `accept`; `stderr` holds its words, redacted.
        """
        argv = [*self._base, command, *map(os.fsdecode, arguments)]
        carry_out = (
            partial(run.run, stdin=stdin, stdout=stdout)
            if listen is None
            else partial(run.attend, listen=listen)
        )
        place = self.work_tree or self.git_dir
        return _checked(
            command,
            partial(carry_out, argv, timeout=timeout, env=self._environment(command, env), cwd=place),
            accept,
        )

    def output(self, command: str, *arguments: str | bytes, stdin: bytes | None = None) -> bytes:
        """Run one local command and answer with its standard output."""
        return self.run(command, *arguments, stdin=stdin).stdout

    def text(self, command: str, *arguments: str | bytes) -> str:
        """Run one local command and answer with its standard output, decoded and stripped."""
        return self.output(command, *arguments).decode("utf-8", "surrogateescape").strip()

    def converse(self, command: str, *arguments: str, pass_stderr: bool = False) -> Process:
        """Start a command that answers questions over its pipes, such as `cat-file --batch`."""
        return run.start(
            [*self._base, command, *arguments],
            env=self._environment(command, None),
            cwd=self.work_tree or self.git_dir,
            stdin=run.PIPE,
            stdout=run.PIPE,
            stderr=run.PIPE if pass_stderr else run.DEVNULL,
        )

    @cached_property
    def _base(self) -> tuple[str, ...]:
        door = _door(self.work_tree or self.git_dir)
        place = {"git_dir": str(self.git_dir)}
        if self.work_tree is not None:
            place["work_tree"] = str(self.work_tree)
        base = {} if self.as_user else BASE_CONFIG
        settings = [f"{name}={value}" for name, value in {**base, **self.config}.items()]
        door.set_persistent_git_options(c=settings, **place)
        return tuple(door.version())[:-1]

    def _environment(self, command: str, extra: Mapping[str, str] | None) -> dict[str, str]:
        protocols = PROTOCOLS if self.as_user else _protocols(command)
        index = {"GIT_INDEX_FILE": str(self.index)} if self.index is not None else {}
        return environment({**protocols, **index, **self.variables, **(extra or {})})


def failure(command: str, done: run.Completed) -> GitError:
    """The error for a git command that said no, with git's own reason."""
    stderr = redact(done.stderr.decode("utf-8", "replace")).strip()
    return GitError(
        f"git {command} failed: {reason(stderr) or f'exit code {done.code}'}",
        stderr=stderr,
        hint="These are git's own words; `gitsession status` says what is safe meanwhile.",
    )


def reason(stderr: str) -> str:
    """The line of git's words that says why: the first fatal one, since advice may follow; else the last."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("fatal: ")), lines[-1] if lines else "")


def plain(
    command: str,
    *arguments: str,
    cwd: Path,
    timeout: float = LOCAL_TIMEOUT,
    accept: Collection[int] = (0,),
    config: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    listen: Callable[[bytes], None] | None = None,
) -> run.Completed:
    """Run a git command that belongs to no repository yet, such as `init`, `clone` or `ls-remote`.

    Raises:
        GitTimeout: It outlived `timeout` seconds.
        GitError: It ended with a code outside `accept`.
    """
    door = _door(cwd)
    door.set_persistent_git_options(c=[f"{k}={v}" for k, v in {**BASE_CONFIG, **(config or {})}.items()])
    argv = [*tuple(door.version())[:-1], command, *arguments]
    carry_out = run.run if listen is None else partial(run.attend, listen=listen)
    env = environment({**_protocols(command), **(variables or {})})
    return _checked(
        command,
        partial(carry_out, argv, timeout=timeout, env=env, cwd=cwd),
        accept,
    )


def _protocols(command: str) -> Mapping[str, str]:
    return PROTOCOLS if command in TRAVELLING else OFFLINE


def _checked(command: str, carry_out: Callable[[], run.Completed], accept: Collection[int]) -> run.Completed:
    try:
        done = carry_out()
    except run.TimedOut as late:
        raise GitTimeout(
            f"git {command} did not end within {late.timeout:g} s.", hint="Check the network and try again."
        ) from None
    if done.code not in accept:
        raise failure(command, done)
    return done
