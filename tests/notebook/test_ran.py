"""What ran: small, the same for the same surroundings, one line."""

from __future__ import annotations

import json
import platform

from gitsession.notebook import ran


def test_the_record_is_one_line_that_says_all() -> None:
    cell = ran.Cell(12, ran.source_hash("x = 1"), 0.25, ok=False, error="ValueError")
    line = ran.record(cell, ran.Surroundings("3.11.8", "abc", "Tesla T4"))
    assert "\n" not in line
    assert json.loads(line) == {
        "cell": 12,
        "hash": ran.source_hash("x = 1"),
        "seconds": 0.25,
        "ok": False,
        "error": "ValueError",
        "python": "3.11.8",
        "packages": "abc",
        "gpu": "Tesla T4",
    }


def test_packages_have_one_name_in_any_order() -> None:
    assert ran.packages_hash([("A", "1"), ("b", "2")]) == ran.packages_hash([("b", "2"), ("a", "1")])
    assert ran.packages_hash([("a", "1")]) != ran.packages_hash([("a", "2")])


def test_surroundings_are_those_of_this_python() -> None:
    looking = ran.Looking()
    found = looking.look()
    assert found.python == platform.python_version()
    assert len(found.packages) == ran.HASH_LENGTH
    assert looking.look() == found
