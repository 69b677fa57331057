"""What ran: small, the same for the same surroundings, one line."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

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
        "changed": {},
    }


def test_packages_have_one_name_in_any_order() -> None:
    assert ran.packages_hash([("A", "1"), ("b", "2")]) == ran.packages_hash([("b", "2"), ("a", "1")])
    assert ran.packages_hash([("a", "1")]) != ran.packages_hash([("a", "2")])


def test_what_somebody_installed_is_named_and_what_came_with_it_is_not() -> None:
    changes = ran.Changes([ran.Package("numpy", "1.26.4"), ran.Package("old", "3.0")])
    came = [ran.Package("seaborn", "0.13.2"), ran.Package("patsy", "1.0", wanted=False)]
    assert changes.now([ran.Package("numpy", "2.0.1", wanted=False), *came]) == {
        "numpy": ("1.26.4", "2.0.1"),
        "old": ("3.0", None),
        "seaborn": (None, "0.13.2"),
    }
    assert changes.now([ran.Package("numpy", "1.26.4"), ran.Package("old", "3.0")])["seaborn"] == (None, None)
    many = [ran.Package(f"p{number:03}" + "\u00e9" * 9, "1" * 99) for number in range(300)]
    assert 2_000 < len(json.dumps(changes.now(many))) <= ran.CHANGED_LENGTH


def test_a_package_that_pip_put_there_is_named_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    looking = ran.Looking()
    assert looking.look().changed == {}
    for name, asked in (("wished", True), ("needed", False)):
        place = tmp_path / f"{name}-1.5.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        if asked:
            (place / "REQUESTED").touch()
    assert looking.look().changed == {"wished": (None, "1.5")}


def test_surroundings_are_those_of_this_python() -> None:
    looking = ran.Looking()
    found = looking.look()
    assert found.python == platform.python_version()
    assert len(found.packages) == ran.HASH_LENGTH
    assert looking.look() == found
