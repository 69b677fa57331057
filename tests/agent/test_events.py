from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsession.agent.ending import Ending
from gitsession.agent.events import KEPT, Events, Notifier
from gitsession.agent.log import Log
from gitsession.status import Deadline
from tests.agent.conftest import wait_for
from tests.rig.posted import Posted, taking_lines


@pytest.fixture
def posted() -> Iterator[Posted]:
    with taking_lines() as taken:
        yield taken


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "log")
    yield log
    log.close()


def test_an_event_is_kept_logged_and_posted_in_one_line_without_secrets(
    tmp_path: Path, log: Log, posted: Posted
) -> None:
    url, lines = posted
    events = Events(log, Notifier(url, "lesson", log).post)
    events.add("ran", "`curl https://ada:secret@example.org`\nended")
    assert lines.get(timeout=10) == "gitsession lesson: `curl https://example.org` ended"
    [event] = events.to_json()
    assert (event["number"], event["kind"]) == (1, "ran")
    assert "secret" not in (tmp_path / "log").read_text()


def test_a_place_that_takes_no_lines_is_logged_without_its_address(tmp_path: Path, log: Log) -> None:
    path = tmp_path / "log"
    Notifier("http://127.0.0.1:1/hook/key", "lesson", log).post("hello")
    wait_for(lambda: path.exists() and "not posted" in path.read_text(), "the failure in the log")
    assert "hook" not in path.read_text()


def test_only_the_newest_events_are_kept(log: Log) -> None:
    events = Events(log, lambda _: None)
    for number in range(KEPT + 3):
        events.add("ran", str(number))
    assert [event["number"] for event in events.to_json()] == list(range(4, KEPT + 4))


def test_an_announced_end_takes_the_place_of_the_estimate(log: Log) -> None:
    woken = threading.Event()
    announced = Deadline(1000.0, estimate=False)
    ending = Ending(Deadline(9000.0), lambda: announced, wake=woken.set, log=log)
    ending.start()
    assert woken.wait(10)
    ending.stop()
    assert ending.deadline == announced
