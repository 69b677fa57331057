"""JupyterLab on a work tree full of start-up files and modules: none of it runs before the person does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsession import run
from gitsession.editor import lab
from gitsession.editor.supervise import Editor, Plan

pytest.importorskip("jupyterlab")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SERVER = "{python} -I -m jupyter_server --show-config"
LAB = "{python} -I -m jupyterlab.labapp --show-config"
IPYTHON = "IPYTHONDIR=. {python} -I -m IPython -c pass"
PLANTS = {
    "module": ("json.py", "{python} -c 'import json'"),
    "package": ("jupyterlab/__init__.py", "{python} -m jupyterlab.labapp --version"),
    "site": ("sitecustomize.py", "PYTHONPATH=. {python} -c pass"),
    "config": ("jupyter_config.py", f"JUPYTER_CONFIG_DIR=. {SERVER}"),
    "server": ("jupyter_server_config.py", f"JUPYTER_CONFIG_DIR=. {SERVER}"),
    "lab": ("jupyter_lab_config.py", f"JUPYTER_CONFIG_DIR=. {LAB}"),
    "below": (".jupyter/jupyter_server_config.py", f"HOME=. {SERVER}"),
    "prefix": ("etc/jupyter/jupyter_server_config.py", f"JUPYTER_CONFIG_PATH=etc/jupyter {SERVER}"),
    "ipython": ("ipython_config.py", f"{IPYTHON} --profile-dir=."),
    "startup": ("profile_default/startup/00.py", IPYTHON),
}


@pytest.fixture
def tree(sealed: Path) -> Path:
    return sealed / "tree"


def plant(tree: Path, name: str) -> None:
    """A file that leaves a mark beside the work tree when Python runs it."""
    target = tree / PLANTS[name][0]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"open({str(tree.parent / f'fired-{name}')!r}, 'w').close()\n")


def fired(tree: Path) -> set[str]:
    return {path.name.removeprefix("fired-") for path in tree.parent.glob("fired-*")}


@pytest.fixture
def editor(sealed: Path, tree: Path) -> Iterator[Editor]:
    made = Editor(Plan(tree, sealed / "e", run.clean_environment()), lab.installed, serve=lab.server)
    yield made
    made.stop()


def test_nothing_of_the_work_tree_runs_when_jupyterlab_starts(editor: Editor, tree: Path) -> None:
    for name in PLANTS:
        plant(tree, name)
    editor.start()
    assert editor.healthy()
    assert fired(tree) == set()


@pytest.mark.long
@pytest.mark.parametrize("name", PLANTS)
def test_each_of_them_runs_where_everyday_programs_are_let(tree: Path, name: str) -> None:
    plant(tree, name)
    script = PLANTS[name][1].format(python=sys.executable)
    run.run(("sh", "-c", script), timeout=60, env=run.clean_environment(), cwd=tree)
    assert fired(tree) == {name}
