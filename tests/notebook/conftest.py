"""A notebook on a simulated machine, with a bare repository or the git server as its remote."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig.colab import Front, Notebook
from tests.rig.runtime import Runtime

OpenNotebook = Callable[..., Notebook]


@pytest.fixture
def open_notebook(runtime: Runtime) -> Iterator[OpenNotebook]:
    """Start a kernel with a page in front of it; all end with the test."""
    started: list[Notebook] = []

    def start(
        front: Front | None = None, *, colab: bool = True, python: str = sys.executable, **env: str
    ) -> Notebook:
        notebook = Notebook(runtime, front, colab=colab, env=env, python=python).__enter__()
        started.append(notebook)
        return notebook

    yield start
    for notebook in started:
        notebook.__exit__(None, None, None)


def opening(repo: object, runtime: Runtime, **options: Any) -> str:
    """A cell that opens a repository without an editor."""
    given = {"workdir": str(runtime.work / "tree"), "storage": str(runtime.drive), "editor": None, **options}
    words = "".join(f", {name}={value!r}" for name, value in given.items())
    return f"import gitsession\nsession = gitsession.open({str(repo)!r}{words})"


def cell(source: str, *, outputs: list[dict[str, Any]] | None = None, **metadata: Any) -> dict[str, Any]:
    """A code cell as Colab gives it."""
    return {
        "cell_type": "code",
        "source": source,
        "metadata": metadata,
        "execution_count": None,
        "outputs": outputs or [],
    }


def notebook_of(*cells: dict[str, Any], name: str = "explore.ipynb") -> dict[str, Any]:
    """A notebook as Colab gives it."""
    metadata = {"colab": {"name": name, "provenance": []}, "kernelspec": {"name": "python3"}}
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 0}


def sources(path: Path) -> list[str]:
    """The cells of a notebook on disk."""
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]
