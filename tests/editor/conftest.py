"""The editor's own set-up: a gate before a stand-in, and the real code-server, installed once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsession.editor import install
from gitsession.editor.gate_process import GateProcess
from gitsession.editor.install import Installed
from gitsession.editor.sources import default_sources
from tests.rig.repositories import PROJECT
from tests.rig.upstream import Upstream

CACHE = PROJECT / ".cache/editor"


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


@pytest.fixture
def environment(sealed: Path) -> dict[str, str]:
    """What an editor is given in a test."""
    return dict(os.environ)
