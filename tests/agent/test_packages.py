"""The packages of a session: what its runs tell, over machines, and what may be shown to be run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitsession.agent.packages import Packages
from gitsession.git import Repository
from tests.agent.conftest import Running


def told(*runs: dict[str, Any]) -> tuple[str, ...]:
    packages = Packages()
    for changed in runs:
        packages.note(json.dumps({"cell": 1, "changed": changed}))
    return packages.wanted()


def test_what_was_installed_or_updated_is_wanted_and_what_was_removed_is_not() -> None:
    first = {"torch": [None, "2.8"], "numpy": ["1.26", "2.1"], "scipy": ["1.1", None]}
    assert told(first, {"torch": [None, "2.9"], "rich": [None, "14"]}, {"rich": [None, None]}) == (
        "numpy==2.1",
        "torch==2.9",
    )
    assert told({"numpy": ["1.26", "2.1"]}, {"numpy": ["1.26", "1.26"]}) == ()


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("--index-url=https://evil.example", "1"),
        ("a; rm -rf ~", "1"),
        ("a", "1 --index-url=https://evil.example"),
        ("a", "$(id)"),
        ("a", "1\n!id"),
    ],
)
def test_nothing_but_a_name_and_a_version_is_shown(name: str, version: str) -> None:
    assert told({name: [None, version], "good": [None, "1.0"]}) == ("good==1.0",)


@pytest.mark.parametrize("line", ["", "{", "[]", '{"changed": []}', '{"changed": {"a": 1}}'])
def test_a_damaged_record_is_passed_over(line: str) -> None:
    packages = Packages()
    packages.note(line)
    assert packages.wanted() == ()


def test_they_are_saved_also_where_no_file_changes_after(running: Running) -> None:
    running.write("one.txt", "before")
    assert running.flush() == []
    running.ask("note-ran", ran=json.dumps({"cell": 3, "changed": {"torch": [None, "2.9"]}}))
    assert running.flush() == []
    later = Packages()
    later.recall(Repository(running.configuration.places.shadow), running.status()["snapshot"]["commit"])
    assert later.wanted() == ("torch==2.9",)


def test_status_names_them_and_a_later_agent_finds_them_in_the_snapshots(running: Running) -> None:
    running.ask("note-ran", ran=json.dumps({"cell": 3, "changed": {"torch": [None, "2.9"]}}))
    running.write("one.txt", "trained")
    assert running.flush() == []
    assert running.status()["packages"] == ["torch==2.9"]
    later = Packages()
    later.recall(Repository(running.configuration.places.shadow), running.status()["snapshot"]["commit"])
    assert later.wanted() == ("torch==2.9",)
