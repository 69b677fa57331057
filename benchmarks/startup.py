"""What people wait for: import, `status`, git's credential helper, a hook's nudge, attaching.

Whole processes, against bare `python -c pass` in the same run. The targets are those that were asked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.report import Report, arguments, timed

PROJECT = Path(__file__).resolve().parent.parent
REQUEST = b"protocol=https\nhost=github.com\npath=ada/engine\n\n"


def process(environ: dict[str, str], *argv: str, stdin: bytes = b"") -> Callable[[], None]:
    """A call that runs a process to its end."""

    def call() -> None:
        done = subprocess.run(argv, env=environ, input=stdin, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{argv} ended with {done.returncode}: {done.stderr.decode()}")

    return call


def gitsession(*verb: str) -> Sequence[str]:
    return (sys.executable, "-c", "import sys; from gitsession.cli import main; sys.exit(main())", *verb)


def small_repository(folder: Path, environ: dict[str, str]) -> Path:
    """A bare repository with one commit."""
    script = """
    git init -q -b main work && cd work && echo one > one.txt && git add one.txt
    git -c user.name=Ada -c user.email=ada@example.org commit -q -m One && cd ..
    git clone -q --bare work remote.git && rm -rf work
    """
    subprocess.run(["sh", "-ec", script], cwd=folder, env=environ, check=True)
    return folder / "remote.git"


def sample(folder: Path, environ: dict[str, str]) -> Path:
    """A small repository, opened as a session that runs."""
    remote = small_repository(folder, environ)
    process(environ, *opening(folder, remote))()
    return remote


def opening(folder: Path, remote: Path) -> Sequence[str]:
    work = ("--workdir", str(folder / "tree"), "--storage", str(folder / "vault"))
    return gitsession("open", str(remote), *work, "--editor", "none")


def main() -> None:
    given = arguments(__doc__)
    runs = 5 if given.quick else 30
    report = Report("startup: wall-clock milliseconds of whole processes")
    with tempfile.TemporaryDirectory(prefix="gs-", dir="/tmp") as name:
        folder = Path(name)
        own = {"GITSESSION_HOME": name + "/s", "PYTHONPATH": str(PROJECT), "HOME": name}
        environ = {key: value for key, value in os.environ.items() if not key.startswith("GIT")} | own
        remote = sample(folder, environ)
        try:
            measure(report, runs, environ, folder, remote)
        finally:
            process(environ, *gitsession("close"))()
    report.show(as_json=given.json)


def measure(report: Report, runs: int, environ: dict[str, str], folder: Path, remote: Path) -> None:
    bare = report.add("python -c pass", "ms", timed(process(environ, sys.executable, "-c", "pass"), runs))
    imported = timed(process(environ, sys.executable, "-c", "import gitsession"), runs)
    report.add("import gitsession, beyond starting Python", "ms", [x - bare.median for x in imported], 60)
    report.add(
        "gitsession status", "ms", timed(process(environ, *gitsession("status", "--short")), runs), 250
    )
    asked = process(environ, *gitsession("credential", "get"), stdin=REQUEST)
    report.add("gitsession credential get", "ms", timed(asked, runs), 150)
    hook = str(folder / "tree" / ".git" / "hooks" / "post-commit")
    nudge = process(
        {**environ, "GIT_DIR": str(folder / "tree" / ".git")}, "sh", "-c", f"cd {folder}/tree && {hook}"
    )
    report.add("a hook's nudge", "ms", timed(nudge, runs), 150)
    report.add(
        "attaching with gitsession open", "ms", timed(process(environ, *opening(folder, remote)), runs), 500
    )


if __name__ == "__main__":
    main()
