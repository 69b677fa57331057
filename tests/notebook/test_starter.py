"""The starter notebook, every cell of it, in a real kernel in front of the rig's GitHub."""

from __future__ import annotations

import json

import pytest

from tests.notebook.conftest import OpenNotebook
from tests.rig.colab import Front
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.repositories import PROJECT

STARTER = PROJECT / "notebooks" / "start.ipynb"


def code_cells() -> list[str]:
    """The cells as a person would run them: the repository's name is put in, the installation is left out.

    The editor is left out too: it takes minutes to install.
    """
    cells = json.loads(STARTER.read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert sources[0] == "%pip install -q gitsession"
    assert "gitsession.open(REPO)" in sources[1]
    return [
        source.replace("user/repo", "ada/digits").replace("open(REPO)", "open(REPO, editor=None)")
        for source in sources[1:]
    ]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(180)
def test_every_cell_runs_and_the_work_is_handed_in(
    open_notebook: OpenNotebook, git_server: GitServer, hub: Hub
) -> None:
    notebook = open_notebook(Front(secrets={"GITHUB_TOKEN": ADA_TOKEN}), GITHUB_SERVER_URL=git_server.site)
    for source in code_cells():
        ran = notebook.run(source)
        assert ran.ok, (source, ran.error)
        assert not (source.startswith("%") and ran.stderr), (source, ran.stderr)
        assert ADA_TOKEN not in str(ran)
    hosted = git_server.forge.repository()
    (pull,) = hosted.pulls.values()
    assert pull.title == "What I tried"
    assert hosted.read(pull.head, "notes.md") == "Begun in a notebook."


def test_it_is_shipped_without_outputs_and_opens_in_colab() -> None:
    starter = json.loads(STARTER.read_text())
    cells = [cell for cell in starter["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    badge = "colab.research.google.com/github/gitsession/gitsession/blob/main/notebooks/start.ipynb"
    assert badge in "".join(starter["cells"][0]["source"])
    assert badge in (PROJECT / "README.md").read_text()
