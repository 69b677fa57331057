"""Each planted bug can still be planted, and its test and its row in the table are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.planted.__main__ import NOTES, PAGE, copy, fingerprint, found_before, outcome, plant
from tests.planted.bugs import BUGS, Bug
from tests.rig.noted import note
from tests.rig.repositories import PROJECT


def test_there_are_twenty() -> None:
    assert len({bug.mistake for bug in BUGS}) >= 20


@pytest.mark.parametrize("bug", BUGS, ids=[bug.mistake for bug in BUGS])
def test_a_bug_can_be_planted_and_was_found(bug: Bug) -> None:
    assert (PROJECT / "gitsession" / bug.file).read_text().count(bug.right) == 1
    assert (PROJECT / "tests" / bug.test.partition("::")[0]).is_file()
    assert f"| {bug.mistake} | `{bug.file}` | `tests/{bug.test}` | yes |" in PAGE.read_text()


def test_it_is_planted_in_the_copy_only(tmp_path: Path) -> None:
    before = (PROJECT / "gitsession" / BUGS[0].file).read_text()
    copy(tmp_path)
    plant(BUGS[0], tmp_path)
    assert BUGS[0].wrong in (tmp_path / "gitsession" / BUGS[0].file).read_text()
    assert (PROJECT / "gitsession" / BUGS[0].file).read_text() == before


def test_a_test_that_does_not_end_is_an_outcome() -> None:
    assert outcome(BUGS[0], time_limit=0.01) == "late"


def test_a_run_goes_on_where_the_last_one_was_broken_off(tmp_path: Path) -> None:
    first, second = (fingerprint(bug) for bug in BUGS[:2])
    assert found_before(tmp_path) == set()
    note(NOTES, {"bug": first, "outcome": "found"}, tmp_path)
    note(NOTES, {"bug": second, "outcome": "found"}, tmp_path)
    note(NOTES, {"bug": second, "outcome": "late"}, tmp_path)
    with (tmp_path / f"{NOTES}.jsonl").open("a") as file:
        file.write('{"bug": "cut o')
    assert found_before(tmp_path) == {first}


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = re.findall(r"`(tests/[\w./*]+)(?:::(\w+))?`", (PROJECT / "docs/security.md").read_text())
    assert named
    for path, function in named:
        files = list(PROJECT.glob(path))
        assert files, path
        assert not function or any(f"def {function}(" in file.read_text() for file in files), function
