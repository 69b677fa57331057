from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from gitsession.review.markdown import LIMIT, Links, comments
from gitsession.review.notebooks import NotebookReview, compare
from gitsession.review.plots import links
from tests.review import cases

GOLDEN = Path(__file__).parent / "golden"
NAMES = [*cases.REAL_LIFE, "conflict"]
REPOSITORY = "https://github.com/ada/digits"


def review(name: str) -> NotebookReview:
    before = cases.written(cases.digits())
    if name == "conflict":
        return compare("notebooks/digits.ipynb", before, cases.conflict())
    return compare("notebooks/digits.ipynb", *cases.changed(name))


def commented(one: NotebookReview) -> str:
    images = [s.image for c in one.cells for p in c.outputs for s in (p.before, p.after) if s and s.image]
    (text,) = comments([one], Links(REPOSITORY, 7, links(images, REPOSITORY, "c0ffee")))
    return text


@pytest.mark.parametrize("name", NAMES)
def test_the_comment_reads_as_it_was_approved(name: str) -> None:
    """Set UPDATE_GOLDEN to write what is there now, and look at the difference."""
    golden = GOLDEN / f"{name}.md"
    text = commented(review(name)) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_plots_stand_side_by_side_in_the_form_that_private_repositories_show() -> None:
    text = commented(review("plot"))
    assert text.count(f"]({REPOSITORY}/blob/c0ffee/") == 2 and text.count(".png?raw=true)") == 2
    assert "plot before" in text and "plot after" in text


def test_three_hundred_files_are_one_readable_comment() -> None:
    reviews = [compare(f"notebooks/lesson-{n}.ipynb", *cases.changed("rerun")) for n in range(300)]
    (text,) = comments(reviews, Links(REPOSITORY, 7))
    assert len(text) < LIMIT
    assert all(f"lesson-{n}.ipynb" in text for n in range(300))


def test_long_reviews_are_split_under_the_limit() -> None:
    book = cases.notebook(
        *(cases.code("\n".join(f"line_{n}_{m} = {m}" for m in range(100))) for n in range(60))
    )
    reviews = [compare(f"{n}.ipynb", None, cases.written(book)) for n in range(9)]
    texts = comments(reviews, Links(REPOSITORY, 7), more="See the report.")
    assert 1 < len(texts) <= 5 and all(len(text) <= LIMIT for text in texts)
    assert "See the report." in texts[-1]
    for text in texts:
        assert text.count("<details>") == text.count("</details>")


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</details></summary><h1>owned",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "@ada please look, closes #1, see GH-2 and ada/digits#3",
    "https://evil.example www.evil.example mail@evil.example",
    "deadbeefcafe0123456789abcdef012345678901",
    "```\nout of the fence\n~~~",
    "| a | b |\n|---|---|",
    "# heading\n> quote\n- item",
    "$\\rm{x}$ `code` **bold** _it_ ~~no~~ :tada:",
    "\u202eevil\u2066\u200b\x1b[31mred\x00",
    "<!-- gitsession:review 2 -->",
    "&lt;b&gt; &#64;ada",
    "\udcff",
]


def hostile_reviews(text: str) -> list[NotebookReview]:
    safe = text.encode("utf-8", "backslashreplace").decode()
    table = cases.frame([[safe, "b"], ["1", safe]])
    data = {"text/html": safe, "text/plain": safe, "application/x-<b>": "1"}
    rich = {"output_type": "display_data", "metadata": {}, "data": data}
    cell = cases.code(safe, cases.stream(safe), cases.failure(safe, safe), table, rich)
    book = cases.notebook(cell, cases.text(safe), kernel=safe)
    book["cells"][0]["metadata"][safe] = 1
    changed = json.loads(json.dumps(book))
    changed["metadata"]["kernelspec"]["display_name"] += "2"
    changed["metadata"][safe] = 1
    changed["cells"][0]["source"] += ["more"]
    changed["cells"][0]["outputs"] = [{**rich, "data": {**data, "text/plain": safe + "2"}}]
    versions = [cases.written(book), cases.written(changed)]
    return [
        compare(f"{text}.ipynb", None, versions[0]),
        compare(f"{text}.ipynb", *versions),
        compare(f"{text}.ipynb", versions[0], versions[0] + text.encode("utf-8", "replace")),
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_notebook_becomes_markup(text: str) -> None:
    for one in hostile_reviews(text):
        (written,) = comments([one], Links(REPOSITORY, 7))
        assert_inert(written)


def assert_inert(written: str) -> None:
    """As GitHub's own dialect parses it: no HTML, link or image but ours, and no text that it would link."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    blocks = parser.parse(written)
    tokens = [child for block in blocks for child in (block, *(block.children or ()))]
    for token in tokens:
        if token.type in ("html_block", "html_inline"):
            left = token.content
            for ours in ("<details>", "</details>", "<summary>", "</summary>"):
                left = left.replace(ours, "")
            assert "<" not in left
        elif token.type in ("link_open", "image"):
            assert str(token.attrs.get("href") or token.attrs.get("src")).startswith(REPOSITORY)
        elif token.type == "text":
            words = token.content.lower()
            assert not any(
                sign in words for sign in ("@ada", "@evil", "#1", "#3", "gh-2", "http://", "https://", "www.")
            )
            assert not re.search(r"\b[0-9a-f]{7,40}\b", words)
        assert token.type not in ("s_open", "code_inline", "blockquote_open") or "WARNING" in written
    assert not set(written) & set("\u202e\u2066\u200b\x1b\x00\udcff")
    assert written.isprintable() or all(c.isprintable() or c in "\n\u200c" for c in written)
