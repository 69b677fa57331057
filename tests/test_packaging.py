"""The wheel and the sdist as people install them: into an empty environment, and beside what Colab has."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.notebook.conftest import OpenNotebook
from tests.notebook.conftest import open_notebook as open_notebook
from tests.rig.colab import Front
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.patience import eventually
from tests.rig.repositories import PROJECT
from tests.rig.runtime import Runtime
from tests.spine import Machine

COLAB = PROJECT / "tests/colab_packages.txt"
NEW_ON_COLAB = {"gitsession", "pygithub", "pyngrok", "pynacl"}
BUILD = "import sys, hatchling.build as build; print(getattr(build, sys.argv[1])(sys.argv[2]))"
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
ONE_CELL = 'import gitsession\nsession = gitsession.open("ada/digits", editor=None)'

pytestmark = pytest.mark.slow


def built(kind: str, into: Path) -> Path:
    """The `wheel` or the `sdist`."""
    pytest.importorskip("hatchling.build", reason="needs hatchling, the build backend")
    argv = [sys.executable, "-c", BUILD, f"build_{kind}", str(into)]
    done = subprocess.run(argv, cwd=PROJECT, check=True, capture_output=True, text=True, timeout=100)
    return into / done.stdout.splitlines()[-1]


def resolved_on_colab(into: Path) -> set[str]:
    """The packages that pip needs beside Colab's versions; the registry is asked once, as at set-up."""
    asked = (PROJECT / "pyproject.toml").read_bytes() + COLAB.read_bytes()
    report = PROJECT / ".cache" / f"colab-{hashlib.sha256(asked).hexdigest()[:16]}.json"
    if not report.exists():
        report.parent.mkdir(exist_ok=True)
        machine = ("--python-version", "3.12", "--only-binary=:all:", "--target", str(into / "none"))
        dry = (
            "--dry-run",
            "--ignore-installed",
            "--report",
            str(into / "report"),
            "--constraint",
            str(COLAB),
        )
        argv = [sys.executable, *PIP, *machine, *dry, str(built("wheel", into))]
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, done.stderr
        shutil.move(into / "report", report)
    return {each["metadata"]["name"].lower() for each in json.loads(report.read_text())["install"]}


@pytest.mark.timeout(300)
def test_on_colab_it_replaces_nothing_that_is_there(tmp_path: Path) -> None:
    """What fits the versions that are there is left as it is, so that Colab asks for no restart."""
    there = {line.partition("==")[0].lower() for line in COLAB.read_text().splitlines() if "==" in line}
    assert resolved_on_colab(tmp_path) - there == NEW_ON_COLAB


def widget(into: Path) -> Path:
    """A wheel of nothing but its name, as a person's `pip install` finds one."""
    path = into / "widget-1.5-py3-none-any.whl"
    about = "widget-1.5.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("widget.py", "")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: widget\nVersion: 1.5\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: rig\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    return path


def test_the_wheel_alone_saves_and_resumes(runtime: Runtime, sample_repository: Path, tmp_path: Path) -> None:
    alone = runtime.root / "site"
    wheel = str(built("wheel", tmp_path))
    argv = [sys.executable, *PIP, "--no-deps", "--no-index", "--target", str(alone), wheel]
    subprocess.run(argv, check=True, timeout=100)
    runtime.durable = (alone,)
    runtime.extra["PYTHONPATH"] = str(alone)
    where = runtime.python("import gitsession; print(gitsession.__file__)").stdout
    assert where.startswith(str(alone))
    machine = Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))
    machine.open()
    (machine.worktree / "new.txt").write_text("from the wheel\n")
    machine.gitsession("flush", "--level", "safe", "--timeout", "60")
    machine.lose()
    assert machine.open()["resumed"]
    assert (machine.worktree / "new.txt").read_text() == "from the wheel\n"


@pytest.fixture(params=["wheel", "sdist"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An empty environment with what was built, from the index; before the rig's certificates are trusted."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=True)
    argv = [str(folder / "bin/python"), *PIP, str(built(request.param, tmp_path)), "ipykernel"]
    subprocess.run(argv, check=True, timeout=400)
    return folder


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_whole_cycle_in_a_kernel_of_an_empty_environment(
    environment: Path,
    runtime: Runtime,
    open_notebook: OpenNotebook,
    git_server: GitServer,
    hub: Hub,
    tmp_path: Path,
) -> None:
    """One cell and no question where the secret is there; then work, a lost machine, and a pull request."""
    python = str(environment / "bin/python")
    rig = tmp_path / "rig"
    rig.mkdir()
    (rig / "tests").symlink_to(PROJECT / "tests")  # the stand-in of Colab, and nothing of ours
    runtime.extra |= {"PYTHONPATH": str(rig), "GITHUB_SERVER_URL": git_server.site}
    front = Front(secrets={"GITHUB_TOKEN": ADA_TOKEN})
    notebook = open_notebook(front, python=python)
    opened = notebook.run(ONE_CELL)
    assert opened.ok, opened.error
    where = notebook.run("print(gitsession.__file__)").stdout
    assert where.startswith(str(environment))
    install = f"%pip install --quiet --no-index --find-links {widget(tmp_path).parent} widget==1.5"
    assert notebook.run(install).ok
    cell = "(session.worktree / 'notes.md').write_text('begun')\nsession.flush(60, 'safe')"
    assert notebook.run(cell).ok
    eventually(lambda: "%pip install widget==1.5<" in notebook.run("%gitsession status").cards[-1])
    assert notebook.run("session.flush(60, 'safe')").ok
    runtime.kill()
    runtime.wipe()
    subprocess.run([python, "-m", "pip", "uninstall", "--quiet", "--yes", "widget"], check=True, timeout=60)

    again = open_notebook(front, python=python)
    resumed = again.run(ONE_CELL)
    assert resumed.ok, resumed.error
    assert again.run("print((session.worktree / 'notes.md').read_text())").stdout == "begun\n"
    assert "%pip install widget==1.5<" in again.run("%gitsession status").cards[-1]
    assert again.run(install).ok
    handed_in = again.run("%gitsession review --title 'From the wheel'")
    assert re.search(r"https://\S+/pull/\d+", handed_in.stdout), handed_in
    (pull,) = git_server.forge.repository().pulls.values()
    assert (pull.title, git_server.forge.repository().read(pull.head, "notes.md")) == (
        "From the wheel",
        "begun",
    )
    assert "Packages changed: widget 1.5" in pull.body
    assert again.run("session.close()").ok
