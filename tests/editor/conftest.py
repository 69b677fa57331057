"""The editor's own set-up: a gate before a stand-in, and the real code-server, installed once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gitsession.editor import install
from gitsession.editor.gate_process import GateProcess
from gitsession.editor.install import Installed
from gitsession.editor.sources import default_sources
from tests.rig import processes
from tests.rig.repositories import PROJECT
from tests.rig.upstream import Upstream

CACHE = PROJECT / ".cache/editor"
KEY = "5a" * 32


@pytest.fixture(scope="session")
def code_server() -> Installed:
    """The pinned code-server under `.cache/`, fetched from the npm registry where it is missing."""
    return install.ensure(CACHE, default_sources())


@pytest.fixture
def upstream(sealed: Path) -> Iterator[Upstream]:
    with Upstream(sealed / "u.sock") as server:
        yield server


@pytest.fixture
def gate(sealed: Path, upstream: Upstream) -> Iterator[GateProcess]:
    process = GateProcess(
        sealed / "g.sock",
        {"socket": str(upstream.socket)},
        sealed / "gate.log",
        name="t",
        password="open sesame",
    )
    process.start()
    yield process
    process.stop()


@dataclass(frozen=True)
class Standing:
    """A gate before a stand-in, for all tests of a module; `KEY` signs its cookies."""

    directory: Path
    upstream: Upstream
    gate: GateProcess

    @contextmanager
    def another(self, name: str, **options: Any) -> Iterator[GateProcess]:
        """A further gate before the same stand-in."""
        with _stands(self.directory, name, self.upstream, **options) as gate:
            yield gate


@contextmanager
def _stands(directory: Path, name: str, upstream: Upstream, **options: Any) -> Iterator[GateProcess]:
    behind = {"socket": str(upstream.socket)}
    gate = GateProcess(
        directory / f"{name[0]}.sock", behind, directory / "log", name=name, key=KEY, **options
    )
    gate.start()
    processes.OUTLIVE_TESTS.add(gate.pid())
    try:
        yield gate
    finally:
        gate.stop()


@pytest.fixture(scope="module")
def standing() -> Iterator[Standing]:
    """What a module's tests may knock at, but neither stop nor fill with tries of a password."""
    directory = Path(tempfile.mkdtemp(prefix="gs-", dir="/tmp"))
    with Upstream(directory / "u.sock") as upstream, _stands(directory, "t", upstream) as gate:
        yield Standing(directory, upstream, gate)
    shutil.rmtree(directory)


@pytest.fixture
def environment(sealed: Path) -> dict[str, str]:
    """What an editor is given in a test."""
    return dict(os.environ)
