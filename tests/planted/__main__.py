"""Plant each bug in a copy, run its test, see red, and write the table: `scripts/test --planted [WORD ...]`.

Words choose bugs by their mistake or file; without any all are planted and the table is written.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tests.planted.bugs import BUGS, Bug
from tests.rig.repositories import PROJECT

PAGE = PROJECT / "docs/reliability.md"
BEGIN, END = "<!-- planted bugs: begin -->\n", "<!-- planted bugs: end -->\n"
TIME_LIMIT = 300.0
TESTS_FAILED = 1


def plant(bug: Bug, place: Path) -> None:
    """Put the bug into a copy of the package."""
    path = place / "gitsession" / bug.file
    text = path.read_text()
    if text.count(bug.right) != 1:
        raise SystemExit(f"{bug.file} does not hold once what the bug {bug.mistake!r} would replace")
    path.write_text(text.replace(bug.right, bug.wrong))


def copy(place: Path) -> None:
    """The package and its tests, as they are."""
    for folder in ("gitsession", "tests", "hooks"):
        shutil.copytree(
            PROJECT / folder, place / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(PROJECT / "pyproject.toml", place)


def interpreter(place: Path) -> Path:
    """A Python with our packages but not the project: the agent, too, is started from the copy."""
    venv.create(place / ".venv", symlinks=True)
    (packages,) = (place / ".venv").glob("lib/python*/site-packages")
    found = [path for path in sys.path if path.endswith("-packages")]
    (packages / "packages.pth").write_text("".join(f"{path}\n" for path in found))
    return place / ".venv/bin/python"


def is_found(bug: Bug) -> bool:
    """Whether the bug's test turns red once the bug is there."""
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy(Path(folder))
        plant(bug, Path(folder))
        python = str(interpreter(Path(folder)))
        argv = (python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"tests/{bug.test}")
        done = subprocess.run(
            argv, cwd=folder, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
        )
    if done.returncode not in (0, TESTS_FAILED):
        raise SystemExit(f"{bug.test} could not be run\n{done.stdout}{done.stderr}")
    return done.returncode == TESTS_FAILED and "failed" in done.stdout


def table(found: dict[Bug, bool]) -> str:
    """The table, as Markdown."""
    rows = (
        f"| {bug.mistake} | `{bug.file}` | `tests/{bug.test}` | {'yes' if red else '**no**'} |\n"
        for bug, red in found.items()
    )
    return "".join(("| mistake | in | what must find it | found |\n|---|---|---|---|\n", *rows))


def main(words: list[str]) -> int:
    """Plant what is chosen; 1 when a bug was not found."""
    found = {}
    for bug in BUGS:
        if not words or any(word in bug.mistake or word in bug.file for word in words):
            found[bug] = is_found(bug)
            print(f"{'found' if found[bug] else 'NOT FOUND'}: {bug.mistake}", flush=True)
    if not words:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + table(found) + END + rest.partition(END)[2])
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
