"""One `open` of a work tree at a time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gitsession.errors import SessionError
from gitsession.resume.turn import in_turn
from tests.rig.runtime import Runtime

HOLD = """
import sys, time
from pathlib import Path
from gitsession.resume.turn import in_turn
with in_turn(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_waits_and_the_dead_give_way(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITSESSION_HOME", str(runtime.state))
    place = Path("/somewhere/tree")
    told = runtime.root / "told"
    with told.open("wb") as out:
        holder = runtime.start(sys.executable, "-u", "-c", HOLD, str(place), stdout=out)
    while told.read_text() != "held\n":
        assert holder.poll() is None
    with pytest.raises(SessionError, match="has been opening"), in_turn(place, patience=0.2):
        pytest.fail("two hold one turn")
    with in_turn(Path("/somewhere/another")):
        pass
    holder.kill()
    holder.wait()
    with in_turn(place, patience=10.0):
        pass
