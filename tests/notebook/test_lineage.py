"""How a tab relates to its file, by table: a file that was edited elsewhere is never written over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.address import parse_address
from gitsession.notebook.lineage import Relation, Take, beside, decide, guess, relate

BADGE = '<a href="https://colab.research.google.com/github/ada/digits/blob/main/notebooks/a.ipynb"><img></a>'
ADA = parse_address("ada/digits")


@pytest.mark.parametrize(
    ("tab", "file", "earlier", "relation"),
    [
        ("ab", "ab", [], Relation.SAME),
        ("abc", "ab", [], Relation.NEWER),
        ("cab", "ab", ["a"], Relation.NEWER),
        ("a", "ab", [], Relation.OLDER),
        ("ax", "ab", ["axb"], Relation.OLDER),
        ("ax", "ab", [], Relation.DIVERGED),
        ("xyz", "ab", ["xy"], Relation.DIVERGED),
        ("", "", [], Relation.SAME),
        ("a", "", [], Relation.NEWER),
        ("ba", "ab", [], Relation.NEWER),
    ],
)
def test_relations(tab: str, file: str, earlier: list[str], relation: Relation) -> None:
    assert relate(list(tab), list(file), [list(each) for each in earlier]) is relation


@pytest.mark.parametrize(
    ("relation", "on_disk", "written", "take"),
    [
        (None, None, None, Take.WRITE),  # a new notebook
        (None, None, "w", Take.NOTHING),  # deleted elsewhere: it stays deleted
        (Relation.SAME, "d", None, Take.WRITE),
        (Relation.NEWER, "d", None, Take.WRITE),
        (Relation.OLDER, "d", None, Take.NOTHING),  # a tab from main
        (Relation.DIVERGED, "d", None, Take.BESIDE),
        (Relation.OLDER, "w", "w", Take.WRITE),  # a cell was deleted in this very tab
        (Relation.DIVERGED, "w", "w", Take.WRITE),
        (Relation.SAME, "d", "w", Take.WRITE),
        (Relation.NEWER, "d", "w", Take.BESIDE),  # a cell was deleted in the editor
        (Relation.OLDER, "d", "w", Take.BESIDE),
        (Relation.DIVERGED, "d", "w", Take.BESIDE),
    ],
)
def test_decisions(relation: Relation | None, on_disk: str | None, written: str | None, take: Take) -> None:
    assert decide(relation, on_disk, written) is take


CELLS = st.lists(st.sampled_from("abcdef"), max_size=6)


@given(CELLS, CELLS, st.lists(CELLS, max_size=3), st.sampled_from([None, "d", "w"]))
def test_nothing_of_either_side_is_lost(
    tab: list[str], file: list[str], earlier: list[list[str]], written: str | None
) -> None:
    """What is in the file stays, or is in the tab that replaces it, unless the file came from this tab."""
    take = decide(relate(tab, file, earlier), "d", written)
    if take is Take.WRITE and written != "d":
        assert set(file) <= set(tab)
    if take is Take.NOTHING:
        assert set(tab) <= set(file).union(*map(set, earlier))


@pytest.mark.parametrize(
    ("badges", "name", "notebooks", "path"),
    [
        (BADGE, "a.ipynb", ["notebooks/a.ipynb", "b/a.ipynb"], "notebooks/a.ipynb"),
        (BADGE, "b.ipynb", ["other.ipynb"], None),
        (BADGE.replace("ada/digits", "eve/digits"), "x", ["notebooks/a.ipynb"], None),
        ("", "a.ipynb", ["notebooks/a.ipynb"], "notebooks/a.ipynb"),
        ("", "a.ipynb", ["x/a.ipynb", "y/a.ipynb"], None),
        ("", None, ["a.ipynb"], None),
        ("https://colab.research.google.com/github/../..", "a", [], None),
    ],
)
def test_guesses_only_what_is_clear(
    badges: str, name: str | None, notebooks: list[str], path: str | None
) -> None:
    assert guess(badges, name, ADA, notebooks) == path


def test_the_name_beside() -> None:
    assert beside("notebooks/a.b.ipynb") == "notebooks/a.b.from-tab.ipynb"
