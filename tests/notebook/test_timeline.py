"""Cells in the timeline, in a real kernel: going back to before one of them, and what counts as activity."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebook.conftest import OpenNotebook, opening
from tests.rig import nvidia
from tests.rig.runtime import Runtime

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
LISTEN = """
heard, told = [], session.note_activity
def listen(*, running, **cell):
    told(running=running, **cell)
    heard.append(running)
session.note_activity = listen
"""
WAIT = """
import time
deadline = time.monotonic() + 60
while len(heard) < 4 and time.monotonic() < deadline:
    time.sleep(0.02)
print(heard[:4])
"""


def test_back_to_before_a_cell(
    open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path
) -> None:
    notebook = open_notebook(colab=False)
    assert notebook.run(opening(sample_repository, runtime)).ok
    file = runtime.work / "tree" / "numbers.txt"
    for number in (2, 3, 4):
        assert notebook.run(f"(session.worktree / 'numbers.txt').write_text('{number}')").ok
        assert notebook.run("%gitsession flush --level local").ok
    log = notebook.run("%gitsession log").stdout
    assert "cell 4" in log
    back = notebook.run("%gitsession restore numbers.txt --before-cell 6 --yes")
    assert "1 restored" in back.stdout, back
    assert file.read_text() == "3"


def test_the_gpus_are_told_of_a_cell(
    open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path
) -> None:
    nvidia.install(runtime, "Tesla T4", "Tesla T4")
    notebook = open_notebook(colab=False)
    assert notebook.run(opening(sample_repository, runtime)).ok
    assert notebook.run("(session.worktree / 'numbers.txt').write_text('2')").ok
    assert notebook.run("%gitsession flush --level local").ok
    told = notebook.run(
        "print([each.ran['gpu'] for each in session.snapshots() if 'ok' in (each.ran or {})])"
    )
    assert told.stdout == "['Tesla T4, Tesla T4']\n"


def test_cells_are_activity(open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path) -> None:
    notebook = open_notebook(colab=False)
    assert notebook.run(opening(sample_repository, runtime)).ok
    assert notebook.run(LISTEN).ok
    assert notebook.run("1 + 1").ok
    assert "[False, True, False, True]" in notebook.run(WAIT).stdout
