"""The table of sessions: over places, over repositories, and on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsession.commands.list import gather, state_of
from gitsession.model import SessionName
from gitsession.replicas.base import Found
from tests.rig.forge import ADA_TOKEN
from tests.rig.git_server import GitServer
from tests.rig.hub import Hub
from tests.rig.runtime import Runtime
from tests.spine import Machine

ONE = SessionName("ada", "one")


def test_copies_of_one_session_make_one_row() -> None:
    remote = Found(ONE, "s", "a", 3, 1, "remote", branch="main")
    vault = Found(ONE, "s", "b", 4, 2, "vault")
    (row,) = gather([vault, remote], "ada/engine")
    assert (row.snapshot, row.opened, row.where, row.base) == (4, 2, ("remote", "vault"), "main")
    assert (row.running, row.leader, row.saved, row.finished, row.size) == (None, None, None, False, None)


def test_a_session_that_runs_on_this_machine_says_so() -> None:
    two = SessionName("grace", "two")
    rows = gather([Found(ONE, "s", where="remote"), Found(two, "t", where="remote")], "r", frozenset({ONE}))
    assert {row.name: row.running for row in rows} == {"one": True, "two": None}


@pytest.mark.parametrize(
    ("runs", "copies", "said"),
    [
        ((ONE,), [("r1", 1, 1000.0)], (True, "here", "running here")),
        ((ONE,), [], (True, "here", "running here")),
        ((ONE,), [("r2", 2, 1000.0)], (True, "elsewhere", "running here, led elsewhere")),
        ((), [("r1", 1, 1000.0)], (False, "here", "not running")),
        ((), [("r2", 1, 880.0)], (None, "elsewhere", "led elsewhere, saved 2 min ago")),
        ((), [("r1", 2, 1000.0), ("r2", 3, 940.0)], (None, "elsewhere", "led elsewhere, saved 60 s ago")),
        ((), [("r2", 2, 1000.0), ("r1", 3, 940.0)], (False, "here", "not running")),
        ((), [("r2", 1, None)], (None, "elsewhere", "led elsewhere, last seen is not known")),
        ((), [("r2", 1, 3e8)], (None, "elsewhere", "led elsewhere, last seen is not known")),
        ((), [(None, 1, None)], (None, None, "not known")),
    ],
)
def test_who_leads_and_whether_it_runs_is_said_as_far_as_it_is_known(
    runs: tuple[SessionName, ...],
    copies: list[tuple[str | None, int, float | None]],
    said: tuple[bool | None, str | None, str],
) -> None:
    found = [Found(ONE, "s", "a", 1, counter, runtime=who, at=at) for who, counter, at in copies]
    (row,) = gather([*found, Found(ONE, "s")], running=runs, here={"r1"})
    assert (row.running, row.leader, state_of(row, now=1000.0)) == said


def test_of_two_copies_the_one_that_says_when_is_believed() -> None:
    vault = Found(ONE, "s", "a", 3, 1, "vault", runtime="r2")
    remote = Found(ONE, "s", "a", 3, 1, "remote", runtime="r2", at=700.0)
    (row,) = gather([vault, remote])
    assert row.saved == 700.0


def test_finished_ones_come_last() -> None:
    done = Found(SessionName("ada", "done"), "s", "a", 9, 9, "remote", finished=True)
    assert [row.name for row in gather([done, Found(ONE, "s", "a", 1, 1, "remote")])] == ["one", "done"]


@pytest.fixture
def teacher(runtime: Runtime, git_server: GitServer, hub: Hub) -> Iterator[Machine]:
    source = git_server.forge.repository().path
    for name in ("hw1-ada", "hw1-bob", "hw2-ada"):
        git_server.forge.add_repository("ada", name, source=Path(source))
    runtime.extra |= {"GITHUB_TOKEN": ADA_TOKEN, "GITHUB_SERVER_URL": git_server.site}
    yield Machine(runtime, "ada/hw1-ada", ("--storage", "none"))


@pytest.mark.slow
def test_a_pattern_lists_the_sessions_of_every_repository_that_matches(teacher: Machine) -> None:
    teacher.open("--session", "lesson")
    teacher.gitsession("flush", "--timeout", "30", "--level", "safe")
    listed = teacher.json("list", "ada/hw1-*", "--storage", "none")
    (row,) = listed
    assert row["repo"].endswith("ada/hw1-ada")
    assert (row["owner"], row["name"], row["base"], row["running"]) == ("ada", "lesson", "main", True)
    assert row["snapshot"] >= 1
    assert "lesson" in teacher.gitsession("list", "ada/hw1-*", "--storage", "none").stdout
    in_the_clone = teacher.gitsession("list", "--json", cwd=teacher.worktree)
    assert json.loads(in_the_clone.stdout) == [{**row, "size": None}]
