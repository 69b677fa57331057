"""The magics, in a plain Jupyter kernel without a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitsession.notebook import magics
from tests.notebook.conftest import OpenNotebook, opening
from tests.rig.runtime import Runtime

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def test_the_magics(open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path) -> None:
    notebook = open_notebook(colab=False)
    assert notebook.run("%load_ext gitsession").ok
    assert "No session is open in this notebook" in notebook.run("%gitsession").stderr
    ran = notebook.run(opening(sample_repository, runtime))
    assert ran.ok, ran.error
    assert len(ran.new_cards) == 1
    assert notebook.run("session").cards
    assert notebook.run("%gitsession status").cards
    saved = notebook.run('%%save "before the long run"\n(session.worktree / "a.txt").write_text("x")')
    assert "Saved as snapshot" in saved.stdout, saved
    assert "before the long run" in notebook.run("%gitsession log").stdout
    named = notebook.run('%%save "nothing changed"\n1')
    assert "Saved as snapshot" in named.stdout, named
    failed = notebook.run('%%save "failed"\n1 / 0')
    assert "Saved" not in failed.stdout
    assert "needs a name" in notebook.run("%%save\n1").stderr
    assert "cannot be read" in notebook.run('%gitsession log "').stderr
    assert notebook.run("%gitsession flush --timeout 30").ok
    assert notebook.run("%gitsession nonsense").stderr
    assert notebook.requests == []
    again = notebook.run("display(session)\nsession")
    assert "gitsession" in again.displays[0]["data"]["text/plain"]
    closed = notebook.run("%gitsession close").cards + notebook.serve(3.0).cards
    assert 'class="pill off" role="status">closed here' in closed[-1]


def test_what_a_command_says_while_it_works_looks_like_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    hear = magics._listener()
    for said in (b"Saving the work tree", b"gitsession: It is refused.", b"Nothing was changed."):
        hear(said)
    shown = capsys.readouterr()
    assert shown.out == "Saving the work tree\n"
    assert shown.err == "gitsession: It is refused.\nNothing was changed.\n"
