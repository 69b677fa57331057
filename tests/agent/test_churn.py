from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.agent.churn import Budget, Changed, waiting
from gitsession.agent.large import Large

MB = 1_000_000
FRESH = Budget()


def held(file: Changed, sent: dict[str, float], now: float, *, urgent: bool = False) -> bool:
    return bool(waiting([file], sent, FRESH, now, urgent=urgent))


@pytest.mark.parametrize(
    ("size", "last", "now", "expected"),
    [
        pytest.param(MB, 0.0, 1.0, False, id="small files never wait"),
        pytest.param(2 * MB, None, 1.0, False, id="the first time goes out at once"),
        pytest.param(2 * MB, 0.0, 59.0, True, id="large: once a minute"),
        pytest.param(2 * MB, 0.0, 60.0, False, id="large: a minute later"),
        pytest.param(11 * MB, 0.0, 599.0, True, id="huge: every ten minutes"),
        pytest.param(11 * MB, 0.0, 600.0, False, id="huge: ten minutes later"),
    ],
)
def test_large_files_wait(size: int, last: float | None, now: float, expected: bool) -> None:
    sent = {} if last is None else {"a": last}
    assert held(Changed("a", size, 0), sent, now) is expected
    assert not held(Changed("a", size, 0), sent, now, urgent=True)


def test_it_says_until_when() -> None:
    (wait,) = waiting([Changed("a", 2 * MB, 0)], {"a": 5.0}, FRESH, 6.0, urgent=False)
    assert wait.until == 65.0
    assert "once a minute" in wait.reason


def test_a_spent_budget_leaves_it_to_the_vault_even_at_a_flush() -> None:
    budget = Budget(spent=490 * MB, limit=500 * MB)
    (wait,) = waiting([Changed("a", 20 * MB, 20 * MB)], {"a": 0.0}, budget, 1e6, urgent=True)
    assert wait.until is None
    assert "vault only" in wait.reason


def test_files_of_one_snapshot_share_the_budget() -> None:
    files = [Changed("a", 20 * MB, 20 * MB), Changed("b", 21 * MB, 21 * MB)]
    waits = waiting(files, {"a": 0.0, "b": 0.0}, Budget(470 * MB, 500 * MB), 1e6, urgent=True)
    assert [wait.path for wait in waits] == ["b"]


def test_a_night_of_checkpoints_stays_under_300_megabytes() -> None:
    sent, spent, size = {"model.pt": 0.0}, 40 * MB, 40 * MB
    for minute in range(1, 8 * 60):
        now = minute * 60.0
        file = Changed("model.pt", size, size)
        if not waiting([file], sent, Budget(spent), now, urgent=False):
            sent["model.pt"], spent = now, spent + size
    assert 160 * MB <= spent <= 300 * MB


def test_a_night_beside_a_growing_log_stays_under_300_megabytes_with_every_flush_complete(
    tmp_path: Path,
) -> None:
    """Sparse files stand for a 40 MB checkpoint rewritten every minute and a log that grows to 49 MB."""
    clock, model, log = [0.0], tmp_path / "model.pt", tmp_path / "train.log"
    large, names = Large(tmp_path, 500 * MB, clock=lambda: clock[0]), {"model.pt", "train.log"}
    for minute in range(8 * 60):
        clock[0] = minute * 60.0
        rewrite(model, 40 * MB, minute)
        rewrite(log, 49 * MB * minute // 480 + 1, minute)
        is_flush = minute % 160 == 159
        held = large.hold(names, urgent=is_flush)
        assert not (is_flush and held)
        large.note(names - set(held))
    assert 200 * MB <= large.budget.spent <= 300 * MB


def test_a_file_rewritten_with_the_same_end_counts_whole(tmp_path: Path) -> None:
    large = Large(tmp_path, 500 * MB)
    for number in range(3):
        rewrite(tmp_path / "model.pt", 40 * MB, number)
        large.note({"model.pt"})
    assert large.budget.spent == 120 * MB


def test_a_notebook_edited_all_day_costs_what_its_edits_cost(tmp_path: Path) -> None:
    """Each edit of a notebook of 1.5 MB would cost 1.5 MB of the budget if it counted whole."""
    large, notebook = Large(tmp_path, 500 * MB), tmp_path / "big.ipynb"
    lines = [f'    "value_{number} = {number * 7919}"' for number in range(45_000)]
    for number in range(12):
        lines[number * 100] = f'    "edited {number}"'
        lines.insert(500, f'    "a new line {number}"')
        notebook.write_text("\n".join(lines))
        os.utime(notebook, (number, number))
        large.note({"big.ipynb"})
    size = notebook.stat().st_size
    assert size < large.budget.spent < size + 3_000


def rewrite(path: Path, size: int, second: int) -> None:
    with path.open("ab") as file:
        file.truncate(size)
    os.utime(path, (second, second))


@given(
    sizes=st.lists(st.integers(0, 60 * MB), max_size=8),
    spent=st.integers(0, 600 * MB),
    now=st.floats(0, 1e6),
    urgent=st.booleans(),
)
def test_what_goes_out_again_never_overruns_the_budget(
    sizes: list[int], spent: int, now: float, urgent: bool
) -> None:
    files = [Changed(str(number), size, size) for number, size in enumerate(sizes)]
    sent = {file.path: 0.0 for file in files}
    waits = {wait.path for wait in waiting(files, sent, Budget(spent), now, urgent=urgent)}
    leaving = sum(file.growth for file in files if file.path not in waits and file.size > MB)
    assert spent + leaving <= max(spent, Budget().limit)
