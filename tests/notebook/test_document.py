"""A notebook as JSON: what is taken out, what stays, and how it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.errors import FormatError
from gitsession.notebook import document
from tests.notebook.conftest import cell, notebook_of

CARD = {"output_type": "display_data", "data": {"text/html": ["<section ", 'data-gitsession-card="1">']}}
PLOT = {"output_type": "display_data", "data": {"image/png": "aGk="}, "metadata": {"outputId": "x", "w": 3}}
PERSON = {"user": {"displayName": "Ada Lovelace", "userId": "0815"}, "status": "ok"}


def test_takes_out_the_person_and_our_card_and_nothing_else() -> None:
    given_one = notebook_of(
        cell("a\nb", outputs=[CARD, PLOT], id="c1", executionInfo=PERSON, outputId="77", tags=["x"]),
        {"cell_type": "markdown", "source": ["# t\n", "u"], "metadata": {"id": "c2"}},
    )
    kept = document.cleaned(given_one)
    assert kept["cells"][0] == {
        "cell_type": "code",
        "source": ["a\n", "b"],
        "metadata": {"id": "c1", "tags": ["x"]},
        "execution_count": None,
        "outputs": [{**PLOT, "metadata": {"w": 3}}],
    }
    assert kept["cells"][1]["source"] == ["# t\n", "u"]
    assert {name: kept[name] for name in kept if name != "cells"} == {
        name: given_one[name] for name in given_one if name != "cells"
    }
    assert b"0815" not in document.serialised(kept)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"cells": 1}', b'{"cells": [1]}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_notebook_is_refused(text: bytes) -> None:
    with pytest.raises(FormatError):
        document.parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.sampled_from(["source", "metadata", "outputs", "x"]), JSON), max_size=3))
def test_hostile_cells_are_survived(cells: list[dict[str, Any]]) -> None:
    kept = document.cleaned({"cells": cells, "metadata": cells})
    document.work(kept)
    document.name(kept)
    assert document.parse(document.serialised(kept))["metadata"] == cells


def test_cells_that_only_open_a_session_are_no_work() -> None:
    opened = cell('import gitsession\nsession = gitsession.open("a/b")')
    assert document.work(notebook_of(opened, cell("  x = 1\n"), cell(" "))) == ("x = 1",)


@pytest.mark.parametrize(("like", "indent"), [(None, 1), (b'{\n  "cells": []}', 2), (b"{}", 1)])
def test_is_written_as_the_file_was(like: bytes | None, indent: int) -> None:
    whole = notebook_of(cell("é"))
    written = document.serialised(whole, like)
    assert written.decode() == json.dumps(whole, indent=indent, ensure_ascii=False) + "\n"
