"""`open` in a Kaggle kernel: its secrets, its paths, and work that only GitHub keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.notebook.conftest import OpenNotebook
from tests.rig.colab import Notebook
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.kaggle import SECRETS
from tests.rig.runtime import Runtime

ONE_CELL = 'import gitsession\nsession = gitsession.open("ada/digits", editor=None)'
STARTUP = "from tests.rig import kaggle\nkaggle.install()\ndel kaggle\n"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def secrets(sealed: Path) -> Path:
    return sealed / "secrets.json"


def kaggle(open_notebook: OpenNotebook, runtime: Runtime, server: GitServer, secrets: Path) -> Notebook:
    startup = runtime.home / ".ipython/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "00-kaggle.py").write_text(STARTUP)
    told = {SECRETS: str(secrets), "GITSESSION_KAGGLE": str(runtime.root / "kaggle")}
    told |= {"KAGGLE_KERNEL_RUN_TYPE": "Interactive", "GITHUB_SERVER_URL": server.site}
    return open_notebook(colab=False, **told)


def test_its_secret_opens_and_github_alone_brings_the_work_back(
    open_notebook: OpenNotebook, runtime: Runtime, git_server: GitServer, hub: Hub, secrets: Path
) -> None:
    notebook = kaggle(open_notebook, runtime, git_server, secrets)
    for given, said, remedy in (
        (None, "may not read secrets", "Add-ons, Secrets"),
        ("null", "cannot be reached", "Switch on 'Internet'"),
        ("{}", "no secret named GITHUB_TOKEN", "tick it for this notebook"),
    ):
        if given is not None:
            secrets.write_text(given)
        refused = notebook.run(ONE_CELL)
        assert not refused.ok
        assert said in refused.error and remedy in refused.error and "Traceback" not in refused.error
    secrets.write_text(json.dumps({"GITHUB_TOKEN": ADA_TOKEN}))
    opened = notebook.run(ONE_CELL)
    assert opened.ok, opened.error
    assert "work is safe on GitHub only" in opened.cards[-1]
    assert ADA_TOKEN not in str(opened)
    worktree = runtime.root / "kaggle/temp/digits"
    assert notebook.run("print(session.worktree)").stdout.strip() == str(worktree)
    saved = notebook.run("(session.worktree / 'notes.md').write_text('on Kaggle')\nsession.flush(60, 'safe')")
    assert saved.ok, saved.error
    runtime.kill()
    runtime.wipe()
    assert not worktree.exists()

    again = kaggle(open_notebook, runtime, git_server, secrets)
    resumed = again.run(ONE_CELL)
    assert resumed.ok, resumed.error
    assert (worktree / "notes.md").read_text() == "on Kaggle"
    assert again.run("session.close()").ok
