"""The only module that starts processes."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SECRET_VARIABLES = frozenset(
    {"GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_ENTERPRISE_TOKEN", "NGROK_AUTHTOKEN"}
    | {"GITSESSION_TUNNEL_AUTH"}
)
TRUSTED_GIT_VARIABLES = frozenset({"GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSH", "GIT_SSH_COMMAND"})
KILL_GRACE = 2.0
PIPE = subprocess.PIPE
DEVNULL = subprocess.DEVNULL
Late = subprocess.TimeoutExpired
Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Completed:
    """A process that ended by itself: its exit code and what it wrote."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes


class TimedOut(Exception):
    """A process outlived its time limit; its whole process group was ended."""

    def __init__(self, argv: Sequence[str], timeout: float) -> None:
        super().__init__(f"{argv[0]} did not end within {timeout:g} s")
        self.argv = tuple(argv)
        self.timeout = timeout


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment without secrets and without `GIT_*`, so that neither reaches a child.

    Kept are the variables by which people reach their git server: certificate authorities and ssh.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in SECRET_VARIABLES and (not name.startswith("GIT_") or name in TRUSTED_GIT_VARIABLES)
    }
    return {**kept, "PATH": search_path(), **(extra or {})}


def search_path() -> str:
    """The caller's `PATH` without relative folders: where we start programs, a stranger's may lie."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if folder.startswith("/"))


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: bytes | IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
) -> Completed:
    """Run a process to its end, in a process group of its own.

    Args:
        argv: The program and its arguments; no shell is involved.
        timeout: Seconds after which the whole group is ended.
        env: The complete environment, usually from `clean_environment`.
        cwd: The directory to start in.
        stdin: What it reads, or the open file from whose position it reads; nothing by default.
        stdout: The open file that it writes to; by default the answer holds what it wrote.

    Raises:
        TimedOut: It outlived `timeout`.
        FileNotFoundError: There is no such program.
    """
    out = PIPE if stdout is None else stdout
    process = start(argv, env=env, cwd=cwd, stdin=_pipe(stdin), stdout=out, stderr=PIPE)
    return complete(process, argv, stdin if isinstance(stdin, bytes) else None, timeout)


def complete(process: Process, argv: Sequence[str], stdin: bytes | None, timeout: float) -> Completed:
    """Tell a process that was started here all that it is to read, and wait for its end as `run` does."""
    try:
        written, stderr = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise TimedOut(argv, timeout) from None
    finally:
        end_group(process)
        close_pipes(process)
    return Completed(tuple(argv), process.returncode, written or b"", stderr or b"")


def _pipe(stdin: bytes | IO[bytes] | None) -> int | IO[bytes]:
    if stdin is None:
        return DEVNULL
    return PIPE if isinstance(stdin, bytes) else stdin


def attend(
    argv: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str],
    listen: Callable[[bytes], None],
    cwd: Path | None = None,
) -> Completed:
    """Run a process to its end as `run` does, and hand each line of its stderr to `listen` as it comes.

    A line ends by a newline or, as in progress meters, by a carriage return.

    Raises:
        TimedOut: It outlived `timeout`.
    """
    process = start(argv, env=env, cwd=cwd, stdout=PIPE, stderr=PIPE)
    heard: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
    try:
        _hear(process, time.monotonic() + timeout, heard, listen)
        process.wait(timeout)
    except (TimeoutError, subprocess.TimeoutExpired):
        raise TimedOut(argv, timeout) from None
    finally:
        end_group(process)
        close_pipes(process)
    return Completed(tuple(argv), process.returncode, bytes(heard["stdout"]), bytes(heard["stderr"]))


def _hear(
    process: subprocess.Popen[bytes],
    deadline: float,
    heard: Mapping[str, bytearray],
    listen: Callable[[bytes], None],
) -> None:
    pending = b""
    with selectors.DefaultSelector() as selector:
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, name)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)
                heard[key.data].extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.data == "stderr":
                    *lines, pending = (pending + chunk).replace(b"\r", b"\n").split(b"\n")
                    for line in lines:
                        listen(line)


def close_pipes(process: subprocess.Popen[bytes]) -> None:
    """Let go of what a process was spoken to through."""
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: int | IO[bytes] = DEVNULL,
    stdout: int | IO[bytes] | None = DEVNULL,
    stderr: int | IO[bytes] | None = DEVNULL,
    pass_fds: Iterable[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process that lives on, detached from the caller's terminal and process group."""
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=dict(env),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        pass_fds=tuple(pass_fds),
    )


def start_own(
    module: str,
    *,
    stdout: int | IO[bytes] = DEVNULL,
    stderr: int | IO[bytes] = DEVNULL,
    pass_fds: Iterable[int] = (),
) -> Process:
    """Start a program of ours, away from any work tree; it is spoken to on its standard input."""
    return start(
        program(module),
        env=clean_environment(),
        cwd=Path("/"),
        stdin=PIPE,
        stdout=stdout,
        stderr=stderr,
        pass_fds=pass_fds,
    )


def end_group(process: subprocess.Popen[bytes], grace: float = KILL_GRACE) -> None:
    """End a process that was started here together with all it started: SIGTERM, then SIGKILL.

    SIGKILL goes to the group also when its leader ended by SIGTERM: what it started may not have listened.
    """
    if process.poll() is not None:
        return
    signal_group(process.pid, signal.SIGTERM)
    has_ended(process, grace)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()
    close_pipes(process)


def has_ended(process: Process, within: float = 0.0) -> bool:
    """Whether a process that was started here has ended, after waiting up to `within` seconds for it."""
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        return False
    return True


def signal_group(pid: int, number: int) -> None:
    """Signal the process group that a process leads; one that is gone already is no error."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def is_alive(pid: int) -> bool:
    """Whether a process with this id runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return _answers_signal(pid) if not Path("/proc/self").exists() else False
    return state != "Z"


def _answers_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def foreground(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None) -> int:
    """Run the user's own command on their terminal and answer with its exit code, 128 + n after signal n.

    Ctrl+C reaches the command and not us: it decides how to end.

    Raises:
        FileNotFoundError: There is no such program.
    """
    previous = signal.signal(signal.SIGINT, _leave_it_to_the_command)
    try:
        process = subprocess.Popen(argv, env=dict(env), cwd=cwd)
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, previous)
    return 128 - code if code < 0 else code


def leave(variable: str) -> None:
    """Go on as the same program, out of reach of what ends all that carries a variable of its environment.

    That is: without the variable, in a process group of its own, and heedless of a terminal that hangs up.
    """
    if variable not in os.environ:
        return
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with suppress(PermissionError):  # it leads its group already, as a shell's job does
        os.setsid()
    argv = [*program(), *sys.argv[1:]]
    os.execve(argv[0], argv, {name: value for name, value in os.environ.items() if name != variable})


def _leave_it_to_the_command(_number: int, _frame: object) -> None:
    """A handler and not `SIG_IGN`, which the command would inherit."""


def program(module: str = "gitsession.cli") -> tuple[str, ...]:
    """How this very gitsession is started from anywhere, whatever the directory or `PYTHON*` variables there.

    Not `-m`: that would import modules from the directory it is started in, such as a hostile work tree.

    Args:
        module: The module of ours whose `main` is called.
    """
    place = str(Path(__file__).resolve().parents[1])
    code = f"import sys; sys.path.append({place!r}); from {module} import main; sys.exit(main())"
    return (sys.executable, "-I", "-c", code)
