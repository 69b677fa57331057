"""Which snapshot is meant, and what the timeline tells of each."""

from __future__ import annotations

import json

import pytest

from gitsession.agent.timeline import Chain, chosen, moment_of, ran_of
from gitsession.errors import SessionError, UsageError
from gitsession.git.history import Logged
from gitsession.model import SessionName
from gitsession.snapshot.trailers import SnapshotMessage, message
from gitsession.snapshot.values import Head
from tests.agent.conftest import Running

NOW = 1_800_000_000.0


def entry(number: int, ran: object = None) -> tuple[int, Logged]:
    """A snapshot that was taken `number` minutes after the first."""
    told = SnapshotMessage(SessionName("ada", "s"), number, "r", Head("refs/heads/main", None), subject="wip")
    record = None if ran is None else json.dumps(ran)
    text = message(SnapshotMessage(**{**vars(told), "ran": record})).decode()
    return number, Logged(f"commit{number}", NOW + 60 * number, "wip", text)


def chain(*cells: int | None) -> Chain:
    """Snapshots with the cells that ran before each, the oldest first; answered as the agent has them."""
    listed = [entry(at, None if cell is None else {"cell": cell}) for at, cell in enumerate(cells, 1)]
    return listed[::-1]


PLAIN = chain(None, None, None)


@pytest.mark.parametrize(("at", "commit"), [(None, 2), (1, 1), (3, 3), ("2 minutes ago", 2), ("1h", 0)])
def test_a_snapshot_is_meant_by_its_number_or_a_time(at: int | str | None, commit: int) -> None:
    now = NOW + 60 * 4
    if commit == 0:
        with pytest.raises(SessionError, match="There is no snapshot 1h"):
            chosen(PLAIN, at, None, now)
    else:
        assert chosen(PLAIN, at, None, now) == f"commit{commit}"


def test_what_is_neither_is_refused() -> None:
    for wrong in (True, 1.5, ["x"]):
        with pytest.raises(UsageError):
            chosen(PLAIN, wrong, None, NOW)


@pytest.mark.parametrize(
    ("cells", "wanted", "commit"),
    [
        ((None, 1, 2, 3), 3, 3),
        ((None, 1, 2, 3), 1, 1),
        ((None, 1, None, 2), 2, 3),  # an edit between two cells is from before the second
        ((None, 1, 5), 3, 2),  # cells 2 to 4 made no snapshot of their own
        ((None, 1, 2, 3, 1, 2), 2, 5),  # the kernel was restarted
        ((None, 1, 2, 3, 1), 3, 3),  # and has not reached the cell again
        ((None, 2, 2), 2, 1),
        ((None, 1, 2, 1, 2, 9), 2, 4),
    ],
)
def test_a_snapshot_is_meant_by_the_cell_after_it(
    cells: tuple[int | None, ...], wanted: int, commit: int
) -> None:
    assert chosen(chain(*cells), None, wanted, NOW) == f"commit{commit}"


@pytest.mark.parametrize(("cells", "wanted"), [((None, 1), 2), ((None, None), 1), ((1, 2), 1), ((), 1)])
def test_a_cell_that_no_snapshot_tells_of_is_said(cells: tuple[int | None, ...], wanted: int) -> None:
    with pytest.raises(SessionError, match=f"before cell {wanted}"):
        chosen(chain(*cells), None, wanted, NOW)


@pytest.mark.parametrize("ran", [[1], "x", 3, {"cell": "five"}])
def test_a_forged_record_is_nothing(ran: object) -> None:
    assert ran_of(entry(1, ran)[1]) in (None, ran)
    with pytest.raises(SessionError):
        chosen([entry(2, ran), entry(1)], None, 1, NOW)


def test_times() -> None:
    assert moment_of("10 minutes ago", 1000.0) == 400.0
    assert moment_of("2h", 7200.0) == 0.0
    assert moment_of("2026-11-22T21:30+00:00", 0.0) == 1795383000.0
    with pytest.raises(UsageError):
        moment_of("soon", 0.0)


def test_the_timeline_and_a_look_before_going_back(running: Running) -> None:
    assert running.flush("local") == []
    for cell, text in ((1, "first\n"), (2, "second, longer\n")):
        running.ask("note-ran", ran=json.dumps({"cell": cell, "seconds": 2.5, "ok": True}))
        running.write("cells.txt", text)
        assert running.flush("local") == []
    newest, older, *_ = running.ask("log")["snapshots"]
    assert (newest["size"], older["size"]) == (len("second, longer\n"), len("first\n"))
    assert (newest["ran"]["cell"], older["ran"]["cell"], newest["held"]) == (2, 1, 0)
    asked = {"path": "cells.txt", "before_cell": 2}
    patch = running.ask("restore", preview=True, **asked)["patch"]
    assert "-second, longer\n+first\n" in patch
    assert (running.tree / "cells.txt").read_text() == "second, longer\n"
    assert running.ask("restore", **asked)["changed"] == ["cells.txt"]
    assert (running.tree / "cells.txt").read_text() == "first\n"
