from __future__ import annotations

from html.parser import HTMLParser

import pytest

from gitsession.review.notebooks import compare
from gitsession.review.report import Facts, page
from tests.review import cases
from tests.review.test_markdown import HOSTILE, NAMES, hostile_reviews, review

TAGS = frozenset(
    """html head meta title style body header main footer nav section article div h1 h2 h3 p a span ol ul li
    table thead tbody tr th td pre figure img details summary strong""".split()  # noqa: SIM905 - words read better than a list of strings
)
EMPTY_TAGS = frozenset({"meta", "img"})


class Checker(HTMLParser):
    """Fails on a tag or an attribute that a page of ours never has, and on tags that do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        for name, value in attrs:
            assert not name.startswith("on") and name != "style"
            assert name != "src" or (value or "").startswith("data:image/")
            assert name != "href" or (value or "").startswith("#n")
        if tag not in EMPTY_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def checked(html: str) -> str:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    return " ".join(" ".join(checker.text).split())


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_notebook_becomes_markup(text: str) -> None:
    facts = Facts(text, text, text, text, ((text, text),), (text,))
    html = page(hostile_reviews(text), facts)
    checked(html)
    html.encode("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_real_life_change_makes_a_sound_page(name: str) -> None:
    assert "notebooks/digits.ipynb" in checked(page([review(name)], Facts("A change")))


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    html = page([review("plot")], Facts("A change"))
    assert "default-src 'none'" in html and "<script" not in html
    assert "http://" not in html and "https://" not in html


def test_tables_show_which_values_changed() -> None:
    before, after = cases.digits(), cases.digits()
    after["cells"][2]["outputs"] = [cases.frame([["", "pixels"], ["0", "900"], ["1", "784"]])]
    before["cells"][2]["outputs"] = [cases.frame([["", "pixels"], ["0", "784"], ["1", "784"]])]
    html = page([compare("a.ipynb", cases.written(before), cases.written(after))], Facts("A change"))
    assert html.count("<td class=moved>") == 1 and "<td class=moved>900</td>" in html
