"""A session on a machine that is expected to end soon: it is said, posted, and acted upon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsession.errors import UsageError
from gitsession.resume.options import Options
from gitsession.runtime.base import booted_at
from tests.rig.posted import Posted, taking_lines
from tests.rig.runtime import Runtime
from tests.spine import Machine

PATIENCE = 120.0


@pytest.fixture
def posted() -> Iterator[Posted]:
    with taking_lines() as taken:
        yield taken


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_end_is_told_once_and_what_was_done_is_safe_before_it(
    runtime: Runtime, sample_repository: Path, posted: Posted
) -> None:
    url, lines = posted
    machine = Machine(runtime, str(sample_repository), ("--storage", str(runtime.drive)))
    up = time.time() - (booted_at() or 0.0)
    machine.open("--lifetime", f"{up + 75:.0f}s", "--notify", url)
    assert "is expected to end within" in lines.get(timeout=PATIENCE)
    (machine.worktree / "last.txt").write_text("the last words\n")
    deadline = time.monotonic() + PATIENCE
    while not _is_told_and_shipped(machine):
        assert time.monotonic() < deadline, "the last warning, and the flush that comes with it"
        time.sleep(0.5)
    assert lines.empty(), "the end is posted once"
    machine.lose()
    machine.open()
    assert (machine.worktree / "last.txt").read_text() == "the last words\n"


@pytest.mark.parametrize(
    "address", ["hook", "file:///etc/passwd", "https://", "https://a b/", "http://[::1/"]
)
def test_an_address_that_takes_no_lines_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(UsageError) as refused:
        Options("ada/engine", notify=f"{address}").check()
    assert address not in str(refused.value).replace("https://example.org/hook", "")


def _is_told_and_shipped(machine: Machine) -> bool:
    status = machine.json("status")
    told = any("within 1 min" in note for note in status["notes"])
    return told and not any(each["pending"] for each in status["replicas"])
