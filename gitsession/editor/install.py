"""Brings the pinned code-server onto this machine, once, from the nearest source that has it.

In this order: the folder where it lies already, an archive in the vault, the npm registry, its release's
tarball. What lands is trimmed, tried, and renamed into place, so that a folder of this name is complete.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from gitsession import run
from gitsession.errors import EditorError, GitsessionError
from gitsession.files import make_directory

VERSION = "4.139.1"
MANIFEST = "gitsession-editor.json"
LOCK_TIMEOUT = 1200.0
TRIAL_TIMEOUT = 60.0
NEEDED_SPACE = 1_500_000_000
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Step:
    """How far the installation is: a phase for people, bytes done, and bytes in all where they are known."""

    phase: str
    done: int = 0
    total: int | None = None


Progress: TypeAlias = Callable[[Step], None]


def silent(step: Step) -> None:
    """A progress callback that says nothing."""


@dataclass(frozen=True)
class Target:
    """What is installed, for which machine, and where it is built."""

    machine: str
    staging: Path
    cache: Path

    @property
    def platform(self) -> str:
        """`linux-x64` or `linux-arm64`."""
        return f"linux-{self.machine}"


@dataclass(frozen=True)
class Built:
    """What a source left in the staging folder: paths relative to it."""

    node: str
    entry: str


class Source(Protocol):
    """One place that code-server can come from."""

    @property
    def name(self) -> str:
        """What people call it."""

    def fetch(self, target: Target, progress: Progress) -> Built:
        """Fill the staging folder.

        Raises:
            GitsessionError: It cannot be had from here; the next source is tried.
        """


@dataclass(frozen=True)
class Installed:
    """A complete installation.

    Args:
        directory: Its folder, which nobody writes to any more.
        node: The Node that runs it.
        entry: What Node is given.
        source: Where it came from: `present` when it lay there already.
    """

    directory: Path
    node: Path
    entry: Path
    source: str

    @property
    def command(self) -> tuple[str, ...]:
        """How code-server is started; options follow."""
        return (str(self.node), str(self.entry))


def machine() -> str:
    """`x64` or `arm64`.

    Raises:
        EditorError: There is no code-server for this machine.
    """
    found = _MACHINES.get(platform.machine().lower())
    if sys.platform != "linux" or found is None or platform.libc_ver()[0] != "glibc":
        raise EditorError(
            f"There is no editor for {platform.system()} on {platform.machine()} without glibc."
            if found
            else f"There is no editor for {platform.machine()}.",
            hint="Everything else works: open with editor=None (`--editor none`).",
        )
    return found


def directory_name(for_machine: str) -> str:
    """The folder's name; it carries the version, so that two versions live side by side."""
    return f"code-server-{VERSION}-linux-{for_machine}"


def present(cache: Path, for_machine: str | None = None) -> Installed | None:
    """What is installed already, None where it is not."""
    directory = cache / directory_name(for_machine or machine())
    try:
        manifest = json.loads((directory / MANIFEST).read_text())
        built = Built(str(manifest["node"]), str(manifest["entry"]))
    except (OSError, ValueError, KeyError):
        return None
    return Installed(directory, directory / built.node, directory / built.entry, "present")


def ensure(cache: Path, sources: Sequence[Source], progress: Progress = silent) -> Installed:
    """The installation, brought here first where it is missing; safe to call from several processes.

    Args:
        cache: The folder for all versions, on local disk.
        sources: Where to get it from, nearest first.
        progress: Told of phases and bytes.

    Raises:
        EditorError: No source has it; says why for each.
    """
    if installed := present(cache):
        return installed
    make_directory(cache)
    with _alone(cache / f"{directory_name(machine())}.lock", progress):
        return present(cache) or _bring(cache, sources, progress)


@contextmanager
def _alone(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of the installation; the kernel frees it when its holder dies."""
    with path.open("w") as file:
        deadline = time.monotonic() + LOCK_TIMEOUT
        while not _locked(file.fileno()):
            progress(Step("waiting for another installation"))
            if time.monotonic() > deadline:
                raise EditorError("Another installation of the editor does not end.", hint="Try again later.")
            time.sleep(0.2)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _bring(cache: Path, sources: Sequence[Source], progress: Progress) -> Installed:
    _check_space(cache)
    reasons = []
    for source in sources:
        try:
            return _bring_from(source, cache, progress)
        except GitsessionError as error:
            reasons.append(f"{source.name}: {error.what}")
    raise EditorError(
        "The editor could not be installed. " + " ".join(reasons),
        safe="Everything else works without it.",
        hint="Check the network, or open with editor=None (`--editor none`).",
    )


def _check_space(cache: Path) -> None:
    free = shutil.disk_usage(cache).free
    if free < NEEDED_SPACE:
        raise EditorError(
            f"The editor needs {NEEDED_SPACE / 1e9:.1f} GB where {cache} lies; {free / 1e9:.1f} GB are free.",
            hint="Make room, or open with editor=None (`--editor none`).",
        )


def _bring_from(source: Source, cache: Path, progress: Progress) -> Installed:
    target = Target(machine(), cache / f".{directory_name(machine())}.new", cache)
    shutil.rmtree(target.staging, ignore_errors=True)
    target.staging.mkdir(mode=0o700)
    try:
        built = source.fetch(target, progress)
        progress(Step("trying it"))
        _try(target.staging, built)
        (target.staging / MANIFEST).write_text(json.dumps({"node": built.node, "entry": built.entry}))
        final = cache / directory_name(target.machine)
        shutil.rmtree(final, ignore_errors=True)
        target.staging.rename(final)
    finally:
        shutil.rmtree(target.staging, ignore_errors=True)
    return Installed(final, final / built.node, final / built.entry, source.name)


def _try(staging: Path, built: Built) -> None:
    """Run it once: a source may be complete and still be of no use on this machine."""
    argv = [str(staging / built.node), str(staging / built.entry), "--version"]
    scratch = staging / ".trial"
    environment = run.clean_environment({"HOME": str(scratch), "XDG_CONFIG_HOME": str(scratch)})
    try:
        done = run.run(argv, timeout=TRIAL_TIMEOUT, env=environment)
    except (OSError, run.TimedOut) as error:
        raise EditorError(
            f"It does not run here: {error}.",
            hint="Open with editor=None (`--editor none`), and report what it says.",
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if done.code != 0 or VERSION.encode() not in done.stdout:
        raise EditorError(
            f"It does not run here: {_last_line(done.stderr or done.stdout)}",
            hint="Open with editor=None (`--editor none`), and report what it says.",
        )


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "no word of why"


def folder_size(directory: Path) -> int:
    """Bytes of all files below; what vanishes meanwhile counts nothing."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += Path(folder, name).lstat().st_size
            except OSError:
                continue
    return total
