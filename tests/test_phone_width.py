"""What is ours on a phone, light and dark: the gate's page and the card, with names as long as they come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from gitsession.card import Card, Link, html
from gitsession.editor.gate_process import GateProcess
from gitsession.model import Held, Level
from tests.card.test_card import GOOD, NOW, REMOTE, VAULT, contrast
from tests.editor.conftest import gate as gate
from tests.editor.conftest import upstream as upstream
from tests.rig.browser import chromium, needs_chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120), needs_chromium]

Scheme = Literal["light", "dark"]
WIDTH = 390
CUT_OFF = """() => [...document.querySelectorAll("body, body *")].filter(element => {
  const {left, right, width} = element.getBoundingClientRect();
  const {display} = getComputedStyle(element);
  const inside = display === "inline" || element.scrollWidth <= element.clientWidth + 1;
  return width && (left < 0 || right > innerWidth || !inside);
}).map(element => element.outerHTML.slice(0, 100))"""
COLOURS = """element => {
  const solid = found => getComputedStyle(found).backgroundColor;
  let ground = element;
  while (solid(ground) === "rgba(0, 0, 0, 0)") ground = ground.parentElement;
  return [getComputedStyle(element).color, solid(ground)];
}"""
PLACEHOLDER = """element => [getComputedStyle(element, "::placeholder").color,
  getComputedStyle(element).backgroundColor]"""


@pytest.fixture(params=["light", "dark"])
def page(sealed: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    scheme: Scheme = request.param
    with chromium() as browser:
        yield browser.new_page(viewport={"width": WIDTH, "height": 844}, color_scheme=scheme)


def readable(colours: list[str]) -> bool:
    """Whether a text and its ground, as the browser names them, differ enough (WCAG 2.2, 1.4.3)."""
    text, ground = ("#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", c)[:3]) for c in colours)
    return contrast(text, ground) >= 4.5


def test_the_sign_in_page_is_for_a_thumb_too(gate: GateProcess, page: Page) -> None:
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.goto(f"{gate.url}/#ticket=stale")
    expect(page.get_by_role("heading")).to_have_text("Not signed in")
    assert page.evaluate(CUT_OFF) == []
    field, button = page.get_by_label("Password"), page.get_by_role("button")
    for target in (field, button):
        box = target.bounding_box()
        assert box is not None and box["height"] >= 44
    for words in (page.get_by_role("heading"), page.locator("#line"), page.locator("#how"), button):
        assert readable(words.evaluate(COLOURS)), words
    assert readable(field.evaluate(PLACEHOLDER))
    assert [line for line in told if "Content Security Policy" in line] == []


def long(word: str, length: int = 200) -> str:
    return (word * length)[:length]


def test_the_card_shows_the_whole_of_each_long_name(page: Page) -> None:
    names = {kind: long(f"{kind}-") for kind in ("repo", "session", "work", "risk", "held", "fails", "note")}
    status = replace(
        GOOD,
        repo=f"ada/{names['repo']}",
        session=names["session"],
        worktree=Path("/content", names["work"]),
        at_risk=(long("x"), f"{names['risk']}/{names['risk']}"),
        held=(Held(names["held"], "too large", 60_000_000, level=Level.STORED),),
        replicas=(replace(VAULT, error=names["fails"]), REMOTE),
        notes=(names["note"],),
        extra={"packages": [long("seaborn")]},
    )
    branch = Link(f"session/ada/{names['session']}", "https://github.com/ada/digits")
    page.set_content(
        html(Card(NOW, status, branch=branch, editor=Link(long("http://e"), "http://127.0.0.1:1")))
    )
    assert page.evaluate(CUT_OFF) == []
    shown = page.locator("section").inner_text()
    assert all(name in shown for name in names.values())
