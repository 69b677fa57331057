"""Plant each bug in a copy, run its test, see red, and write the table: `scripts/test --planted [WORD ...]`.

Words choose bugs by their mistake or file. Without any, all are planted and the table is written; passed over
are those that were found before (`.cache/planted.jsonl`) and whose file and test are the same since.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import venv
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path

from gitsession import run
from tests.planted.bugs import BUGS, Bug
from tests.rig.noted import FOLDER, note, rows
from tests.rig.processes import end_all
from tests.rig.repositories import PROJECT

PAGE = PROJECT / "docs/reliability.md"
BEGIN, END = "<!-- planted bugs: begin -->\n", "<!-- planted bugs: end -->\n"
TIME_LIMIT = 300.0
TESTS_FAILED = 1
NOTES = "planted"
SHOWN = {"found": "yes"}


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


def outcome(bug: Bug, time_limit: float = TIME_LIMIT) -> str:
    """What the bug's test says once the bug is there: "found", "NOT FOUND", "late" or "not run"."""
    with tempfile.TemporaryDirectory(prefix="planted-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        copy(place)
        plant(bug, place)
        python = str(interpreter(place))
        argv = (python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"tests/{bug.test}")
        try:
            done = run.run(argv, cwd=place, timeout=time_limit, env=os.environ)
        except run.TimedOut:
            return "late"
        finally:
            end_all(folder)
    if done.code == TESTS_FAILED and b"failed" in done.stdout:
        return "found"
    if done.code == 0:
        return "NOT FOUND"
    print(f"{bug.test} could not be run\n{(done.stdout + done.stderr).decode(errors='replace')}")
    return "not run"


def fingerprint(bug: Bug) -> str:
    """Changes with the bug, with the file that it is planted in and with the test that must find it."""
    files = (PROJECT / "gitsession" / bug.file, PROJECT / "tests" / bug.test.partition("::")[0])
    said = repr(astuple(bug)).encode() + b"".join(file.read_bytes() for file in files)
    return hashlib.sha256(said).hexdigest()


def found_before(folder: Path = FOLDER) -> set[str]:
    """The fingerprints of the bugs whose last outcome was that they were found."""
    last = {row["bug"]: row["outcome"] for row in rows(NOTES, folder)}
    return {bug for bug, outcome in last.items() if outcome == "found"}


def table(outcomes: Mapping[Bug, str]) -> str:
    """The table, as Markdown."""
    rows = (
        f"| {bug.mistake} | `{bug.file}` | `tests/{bug.test}` | {SHOWN.get(said, f'**{said}**')} |\n"
        for bug, said in outcomes.items()
    )
    return "".join(("| mistake | in | what must find it | found |\n|---|---|---|---|\n", *rows))


def main(words: list[str]) -> int:
    """Plant what is chosen; 1 when a bug was not found."""
    outcomes = {}
    known = set() if words else found_before()
    for bug in BUGS:
        if not words or any(word in bug.mistake or word in bug.file for word in words):
            mark = fingerprint(bug)
            outcomes[bug] = "found" if mark in known else outcome(bug)
            note(NOTES, {"bug": mark, "mistake": bug.mistake, "outcome": outcomes[bug]})
            print(f"{outcomes[bug]}: {bug.mistake}{' (before)' if mark in known else ''}", flush=True)
    if not words:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + table(outcomes) + END + rest.partition(END)[2])
    return 0 if set(outcomes.values()) <= {"found"} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
