from __future__ import annotations

import json

import pytest

from gitsession.review.notebooks import compare
from gitsession.review.outputs import changed_numbers
from gitsession.review.parse import NotANotebook, read
from tests.review import cases


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("rerun", []),
        ("parameter", ["changed"]),
        ("plot", ["changed"]),
        ("moved", ["moved"]),
        ("split", ["split"]),
        ("error", ["changed"]),
        ("metadata", ["metadata"]),
        ("kernel", []),
        ("huge", ["changed"]),
        ("edited", ["added", "changed", "removed"]),
    ],
)
def test_each_change_is_told_as_what_it_is(name: str, kinds: list[str]) -> None:
    assert [cell.kind for cell in compare("a.ipynb", *cases.changed(name)).cells] == kinds


def test_a_rerun_with_the_same_result_is_one_number() -> None:
    review = compare("a.ipynb", *cases.changed("rerun"))
    assert (review.cells, review.reruns, review.warnings) == ((), 5, ())


def test_one_parameter_is_one_line_and_its_effect() -> None:
    (cell,) = compare("a.ipynb", *cases.changed("parameter")).cells
    marks = [line for hunk in cell.source for line in hunk.lines if line.mark != " "]
    assert [(line.mark, line.text) for line in marks] == [
        ("-", "learning_rate = 0.01"),
        ("+", "learning_rate = 0.003"),
    ]
    numbers = [(n.label, n.before, n.after, n.change) for pair in cell.outputs for n in pair.numbers]
    assert numbers[0] == ("accuracy", "0.912", "0.934", "+2.4 %")


def test_a_split_seen_backwards_is_a_merge() -> None:
    before, after = cases.changed("split")
    (split,) = compare("a.ipynb", before, after).cells
    (merged,) = compare("a.ipynb", after, before).cells
    assert (split.kind, split.old, split.parts) == ("split", 4, (4, 5))
    assert (merged.kind, merged.parts, merged.new) == ("merged", (4, 5), 4)


def test_the_line_of_a_cell_is_where_its_source_begins() -> None:
    _, after = cases.changed("edited")
    for cell in read(after).cells:
        assert '"source"' in after.decode().splitlines()[cell.line - 1]


def test_outputs_from_before_an_edit_are_called_stale() -> None:
    review = compare("a.ipynb", *cases.changed("edited"))
    assert [cell.new for cell in review.cells if cell.stale] == [5]
    assert any("not run again" in warning for warning in review.warnings)


def test_kernel_and_version_are_named() -> None:
    review = compare("a.ipynb", *cases.changed("kernel"))
    assert review.settings == ("Kernel: Python 3 → PyTorch 2.9", "Language version: 3.11.9 → 3.13.1")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"{}", "format"),
        (b'{"nbformat": 3, "worksheets": []}', "format"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 4, "cells": [1]}', "no list of cells"),
        (b'{"cells": ' + b"[" * 100_000, "nested too deeply"),
        (cases.conflict(), "conflict markers"),
    ],
)
def test_what_is_no_notebook_is_compared_as_text_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(NotANotebook, match=reason):
        read(content)
    review = compare("a.ipynb", cases.written(cases.digits()), content)
    assert reason in review.reason and review.text


@pytest.mark.parametrize(
    "cell",
    [
        {},
        {"cell_type": "code"},
        {"cell_type": "code", "source": 3, "outputs": {"a": 1}, "execution_count": "x"},
        {"cell_type": "code", "source": "x", "outputs": [None, {}, {"output_type": "error"}]},
        {"cell_type": "code", "source": "x", "outputs": [{"data": {"image/png": "%%%", "text/html": None}}]},
        {"cell_type": "new", "source": ["a", 1], "metadata": None},
    ],
)
def test_cells_that_are_not_as_the_format_says_never_stop_the_review(cell: dict[str, object]) -> None:
    strange = json.dumps({"nbformat": 4, "metadata": None, "cells": [cell]}).encode()
    for before, after in ((None, strange), (strange, None), (cases.written(cases.digits()), strange)):
        assert compare("a.ipynb", before, after).path == "a.ipynb"


def test_a_one_line_edit_in_a_large_notebook_is_a_one_line_diff() -> None:
    book = cases.digits()
    book["cells"] += [
        cases.code(f"x{n} = {n}\n", cases.stream("0.5 " * 2000), count=n + 6) for n in range(600)
    ]
    before = cases.written(cases.notebook(*book["cells"]))
    book["cells"][300]["source"] = ["x = 'edited'\n"]
    after = cases.written(cases.notebook(*book["cells"]))
    assert len(after) > 4_000_000
    (cell,) = compare("a.ipynb", before, after).cells
    assert sorted(line.mark for line in cell.source[0].lines) == ["+", "-"]


def test_numbers_are_only_compared_where_the_words_agree() -> None:
    assert changed_numbers("loss 1.0", "cost 2.0") == ()
    assert changed_numbers("a 1 b 2", "a 1 b 3")[0].after == "3"
