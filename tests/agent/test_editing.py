"""What the editor's extension asks for, on a session that really runs."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from gitsession.agent import editing
from gitsession.errors import SessionError, UsageError
from tests.agent.conftest import Running, wait_for


def shown(running: Running, path: str, snapshot: int) -> bytes | None:
    content = running.ask("show", path=path, snapshot=snapshot)["content"]
    return None if content is None else base64.b64decode(content)


def test_a_file_is_shown_as_each_snapshot_has_it(running: Running) -> None:
    running.write("one.txt", "second\n")
    assert running.flush() == []
    running.write("new.bin", "\0\1")
    assert running.flush() == []
    assert [shown(running, "one.txt", number) for number in (1, 2, 3)] == [b"one\n", b"second\n", b"second\n"]
    assert [shown(running, "new.bin", number) for number in (2, 3)] == [None, b"\0\1"]
    assert shown(running, "src", 1) is None


def test_what_is_no_file_of_a_snapshot_is_refused(running: Running) -> None:
    for hostile in ("/etc/passwd", "../outside", ".git/config", "", "src/../../x", "src//two.txt"):
        with pytest.raises(UsageError):
            running.ask("show", path=hostile, snapshot=1)
    with pytest.raises(SessionError, match="no snapshot 99"):
        running.ask("show", path="one.txt", snapshot=99)


def test_a_file_too_large_to_show_is_said_so(running: Running) -> None:
    running.write("large.txt", "x" * (editing.MAX_SHOWN + 1))
    assert running.flush("local") == []
    with pytest.raises(SessionError, match="too much to show"):
        running.ask("show", path="large.txt", snapshot=2)


def test_the_timeline_of_a_path_leaves_the_others_out(running: Running) -> None:
    for path in ("one.txt", "src/two.txt", "one.txt", ":(glob)*"):
        running.write(path, f"{path} {running.status()['snapshot']['number']}")
        assert running.flush("local") == []
    everything = running.ask("timeline", limit=100)["snapshots"]
    assert [entry["number"] for entry in everything] == [5, 4, 3, 2, 1]
    numbers = [entry["number"] for entry in running.ask("timeline", path="one.txt")["snapshots"]]
    assert numbers[:2] == [4, 2] and 3 not in numbers
    assert [entry["number"] for entry in running.ask("timeline", path=":(glob)*")["snapshots"]] == [5]


def test_the_changes_of_a_snapshot_are_named(running: Running) -> None:
    running.write("one.txt", "changed")
    running.write("new.txt", "new")
    (running.tree / "src/two.txt").unlink()
    assert running.flush("local") == []
    number = running.status()["snapshot"]["number"]
    kinds: dict[str, str] = {}
    for snapshot in range(2, number + 1):
        listed = running.ask("changes", snapshot=snapshot)
        kinds |= {entry["path"]: entry["kind"] for entry in listed["changes"]}
        assert listed["more"] == 0
    assert kinds == {"new.txt": "added", "one.txt": "changed", "src/two.txt": "removed"}


def test_a_restore_names_the_snapshot_that_undoes_it(running: Running) -> None:
    running.write("one.txt", "second\n")
    assert running.flush("local") == []
    running.write("one.txt", "third\n")
    before = running.ask("restore", path=None, at=1)["before"]
    assert (running.tree / "one.txt").read_text() == "one\n"
    assert running.ask("restore", path=None, at=before)["changed"] == ["one.txt"]
    assert (running.tree / "one.txt").read_text() == "third\n"


def test_what_is_typed_and_in_no_file_is_at_risk_until_it_is_saved(running: Running) -> None:
    assert running.flush() == []
    typed = {"path": "one.txt", "content": "typed", "base": None, "language": "plaintext"}
    running.ask("buffers", tabs=["one.txt"], unsaved=[typed])
    status = running.status()
    assert (status["at_risk"], status["unsaved"]) == (["one.txt"], ["one.txt"])
    kept = running.places.directory / editing.OPEN_EDITORS
    assert kept.stat().st_mode & 0o777 == 0o600
    assert editing.read(kept)["unsaved"][0]["content"] == "typed"
    running.ask("buffers", tabs=["one.txt"], unsaved=[])
    assert running.status()["at_risk"] == []


def test_an_agent_that_starts_again_still_knows_what_is_unsaved(running: Running) -> None:
    running.ask("buffers", tabs=[], unsaved=[{"path": "untitled:Untitled-1", "content": "note"}])
    running.stop()
    wait_for(lambda: running.keeper_pid() is None, "its end")
    running.relaunched()
    assert running.status()["unsaved"] == ["untitled:Untitled-1"]
    assert running.ask("opened")["earlier"] is None


def test_another_machines_open_editors_are_offered_until_this_one_reports(prepared: Running) -> None:
    earlier = {"runtime": "r0", "tabs": ["one.txt"], "unsaved": []}
    prepared.places.create()
    (prepared.places.directory / editing.OPEN_EDITORS).write_text(json.dumps(earlier))
    prepared.launch()
    answer = prepared.ask("opened")
    assert answer["earlier"] == earlier
    assert Path(answer["log"]) == prepared.places.log
    prepared.ask("buffers", tabs=[], unsaved=[])
    assert prepared.ask("opened")["earlier"] is None


def test_a_damaged_or_foreign_report_counts_as_none(tmp_path: Path) -> None:
    place = tmp_path / "report"
    for content in (b"{", b"[]", b"{}", b'{"unsaved": 3}', b"\xff"):
        place.write_bytes(content)
        assert editing.read(place) == {}
    assert editing.read(tmp_path / "absent") == {}


def test_a_report_out_of_shape_is_refused(running: Running) -> None:
    hostile: list[object] = [
        3,
        ["x"],
        [{}],
        [{"path": 3}],
        [{"path": "a", "content": 3}],
        [{"path": "a"}] * 501,
    ]
    for unsaved in hostile:
        with pytest.raises(UsageError):
            running.ask("buffers", tabs=[], unsaved=unsaved)
