"""Names that are long, wide, written from right to left or over two lines, through the whole command line."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.rig.runtime import Runtime
from tests.rig.terminal import shown
from tests.spine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
BRANCH = "b" * 200
FILES = (
    "漢字" * 30 + ".txt",
    "🎉 party 👩‍👩‍👧.txt",
    "\u05d0\u05d1\u05d2 \u202egpj.txt",
    "two\nlines.txt",
    "  spaces  .txt",
    "-n.txt",
    "quote'\".txt",
    "x" * 240 + ".txt",
    "\x1b[31mred.txt",
)
LARGE = "large 漢字\n🎉.bin"


@pytest.fixture
def machine(runtime: Runtime, sample_repository: Path) -> Machine:
    runtime.run("git", "-C", str(sample_repository), "branch", BRANCH, "main")
    options = ("--storage", str(runtime.drive), "--base", BRANCH, "--max-file-size", "100kB")
    machine = Machine(runtime, str(sample_repository), options)
    machine.open()
    for name in FILES:
        (machine.worktree / name).write_text("first\n")
    (machine.worktree / LARGE).write_bytes(b"\0" * 200_000)
    machine.gitsession("flush", "--timeout", "60")
    for name in FILES:
        (machine.worktree / name).write_text("second\n")
    machine.gitsession("flush", "--timeout", "60")
    return machine


def is_inert(text: str) -> bool:
    return all(character in "\n\t" or unicodedata.category(character)[0] != "C" for character in text)


def test_programs_get_names_as_they_are(machine: Machine) -> None:
    (held,) = machine.json("status")["held"]
    assert held["path"] == LARGE
    for name in FILES:
        (machine.worktree / name).unlink()
    gone = machine.json("restore", "--all", "--snapshot", str(newest(machine)))["changed"]
    assert sorted(gone) == sorted(FILES)
    assert {(machine.worktree / name).read_text() for name in FILES} == {"second\n"}
    assert {entry["base"] for entry in machine.json("list", machine.repo)} == {BRANCH}


def newest(machine: Machine) -> int:
    return int(machine.json("status")["snapshot"]["number"])


def test_one_file_is_looked_at_and_brought_back_by_its_own_name(machine: Machine) -> None:
    before = str(newest(machine) - 1)
    for name in FILES:
        words = ("restore", "--snapshot", before, "--diff", "--", name)
        patch = machine.gitsession(*words).stdout
        assert "-second\n+first\n" in patch and patch.count("diff --git") == 1
        assert is_inert(patch)
        first = json.loads(machine.gitsession("restore", "--json", *words[1:3], "--", name).stdout)
        assert first["changed"] == [name]
        assert (machine.worktree / name).read_text() == "first\n"


def test_a_pipe_gets_inert_lines(machine: Machine) -> None:
    for words in (("status",), ("log",), ("list", machine.repo), ("status", "--short")):
        assert is_inert(machine.gitsession(*words).stdout)
    (held,) = [line for line in machine.gitsession("status").stdout.splitlines() if line.startswith("held ")]
    assert held == "held       large 漢字\\n🎉.bin (200.0 kB): larger than 0.1 MB, stored"
    listed = machine.gitsession("list", machine.repo).stdout.splitlines()
    assert len(listed) == 3 and BRANCH in listed[-1]


@pytest.mark.parametrize("columns", [40, 80])
def test_tables_fit_the_terminal(machine: Machine, columns: int) -> None:
    for words, least in ((("log",), ("snapshot", "what")), (("list", machine.repo), ("session", "state"))):
        with shown(machine.runtime, words, columns=columns, cwd=machine.worktree) as (terminal, process):
            assert process.wait(60) == 0
            lines = terminal.read_to_end().splitlines()
        assert all(title in lines[0] for title in least), lines
        assert max(map(cell_len, lines)) <= columns
        assert is_inert("\n".join(lines))
