"""The extension's own tests, which Node runs: everything of it that needs no editor."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gitsession import run

NODE = shutil.which("node")
TESTS = sorted((Path(__file__).parent / "extension").glob("*.test.js"))


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.name)
def test_the_extension_in_node(test: Path, sealed: Path) -> None:
    assert NODE is not None
    done = run.run((NODE, "--test", str(test)), timeout=60, env=dict(os.environ), cwd=sealed)
    assert done.code == 0, done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
