"""The notebook in the tab is saved too, in a real kernel, with the page in front of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsession.notebook.ran import source_hash
from tests.notebook.conftest import OpenNotebook, cell, notebook_of, opening, sources
from tests.rig.colab import Front
from tests.rig.runtime import Runtime

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
PATH = "notebooks/explore.ipynb"
CARD = {"output_type": "display_data", "data": {"text/html": '<section data-gitsession-card="1">'}}
PLOT = {"output_type": "stream", "name": "stdout", "text": ["42"]}


@pytest.fixture
def remote(transcript: Callable[[str], Path], tmp_path: Path) -> Path:
    """A repository with one notebook in it."""
    whole = tmp_path / "explore.ipynb"
    whole.write_text(json.dumps(notebook_of(cell("import math"))))
    return transcript(
        f"""
        git init -q -b main
        mkdir notebooks
        cp {whole} notebooks/
        git add .
        git commit -q -m begin
        """
    )


def bare(remote: Path) -> str:
    return f"file://{remote}"


def test_is_saved_after_each_cell_without_what_is_personal(
    open_notebook: OpenNotebook, runtime: Runtime, remote: Path
) -> None:
    file = runtime.work / "tree" / PATH
    code = opening(bare(remote), runtime)
    person = {"user": {"userId": "0815"}}
    front = Front(
        notebook=notebook_of(
            cell(code, outputs=[CARD]),
            cell("import math"),
            cell("6 * 7", outputs=[PLOT], executionInfo=person),
        ),
        foreign=True,
    )
    notebook = open_notebook(front)
    assert notebook.run(code).ok
    assert sources(file) == [code, "import math", "6 * 7"]
    front.notebook = notebook_of(cell(code), cell("import math"), cell("7 * 7", outputs=[PLOT]))
    assert notebook.run("7 * 7").ok
    notebook.serve_until(lambda: "7 * 7" in sources(file))
    text = file.read_text()
    assert "42" in text
    assert "0815" not in text
    assert "gitsession-card" not in text
    notebook.run("session.flush(30)")
    form = "--format=%(trailers:key=Gitsession-Ran,valueonly)"
    told = notebook.run(f"!git -C {{session.places.shadow}} log --all '{form}'").stdout
    assert f'"hash": "{source_hash("7 * 7")}"' in told


def test_input_gets_the_persons_words_and_not_a_late_notebook(
    open_notebook: OpenNotebook, runtime: Runtime, remote: Path
) -> None:
    code = opening(bare(remote), runtime, notebook=PATH)
    notebook = open_notebook(Front(notebook=notebook_of(cell(code), cell("import math")), delay=1.0))
    assert notebook.run(code).ok
    notebook.serve(1.3)  # the page has been asked, and has not answered yet
    asked = notebook.requests.count("get_ipynb")
    read = "kernel = get_ipython().kernel\nprint(kernel.stdin_socket.poll(1500))"
    assert notebook.run(read).stdout.strip() == "0"
    assert asked >= 2


def test_a_tab_from_main_takes_nothing_back(
    open_notebook: OpenNotebook, runtime: Runtime, remote: Path
) -> None:
    file = runtime.work / "tree" / PATH
    code = opening(bare(remote), runtime, session="s")
    first = open_notebook(Front(notebook=notebook_of(cell(code), cell("import math"), cell("math.pi"))))
    assert first.run(code).ok
    assert "math.pi" in sources(file)
    assert first.run("session.flush(30); session.close()").ok
    runtime.kill()
    left = file.read_bytes()
    runtime.wipe()
    stale = open_notebook(Front(notebook=notebook_of(cell(code), cell("import math"))))
    ran = stale.run(code)
    assert ran.ok, ran.error
    assert "older than your session" in ran.cards[0].partition('class="head"')[0]
    stale.run("1")
    stale.serve(2.5)
    assert file.read_bytes() == left
    stale.front.notebook = notebook_of(cell(code), cell("import math"), cell("math.e"))
    stale.run("math.e")
    beside = file.with_name("explore.from-tab.ipynb")
    stale.serve_until(beside.exists)
    assert file.read_bytes() == left
    assert "math.e" in sources(beside)
    assert "take-tab" in stale.run("%gitsession").cards[0]
    assert "is now what this tab holds" in stale.run("%gitsession take-tab").stdout
    assert "math.e" in sources(file)


def test_what_is_edited_elsewhere_is_not_written_over(
    open_notebook: OpenNotebook, runtime: Runtime, remote: Path
) -> None:
    file = runtime.work / "tree" / PATH
    code = opening(bare(remote), runtime, notebook=PATH)
    notebook = open_notebook(Front(notebook=notebook_of(cell(code), cell("import math"))))
    assert notebook.run(code).ok
    edited = json.dumps(notebook_of(cell("from the editor")))
    file.write_text(edited)
    notebook.run("1")
    beside = file.with_name("explore.from-tab.ipynb")
    notebook.serve_until(beside.exists)
    assert file.read_text() == edited


def test_a_path_that_is_none_is_refused_in_three_lines(
    open_notebook: OpenNotebook, runtime: Runtime, remote: Path
) -> None:
    notebook = open_notebook()
    ran = notebook.run(opening(bare(remote), runtime, notebook="../x.ipynb"))
    assert not ran.ok
    assert "is no notebook in the repository" in ran.error
