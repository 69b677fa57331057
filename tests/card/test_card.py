"""The card: what it says, that it says no more than is known, and that it can do nothing but be read."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.address import parse_address
from gitsession.agent.configuration import Configuration
from gitsession.card import Card, Link, Step, bundle, html, text, verdict
from gitsession.card.gather import gather
from gitsession.card.style import _DARK, _LIGHT
from gitsession.commands.status import headline
from gitsession.model import Held, Identity, Level, SessionName, Snapshot
from gitsession.status import Deadline, ReplicaStatus, Status

NOW = 1_795_390_264.0
VAULT = ReplicaStatus("vault", Level.STORED, 42, 0)
REMOTE = ReplicaStatus("remote", Level.SAFE, 42, 0)
GOOD = Status(
    session="20261122-qkzt",
    repo="ada/digits",
    branch="session/ada/20261122-qkzt",
    worktree=Path("/content/digits"),
    state="safe",
    snapshot=Snapshot(42, "a" * 40, NOW - 12),
    replicas=(VAULT, REMOTE),
    deadline=Deadline(NOW + 33_120),
)
BRANCH = Link("session/ada/20261122-qkzt", "https://github.com/ada/digits/tree/session/ada/20261122-qkzt")


def card(**changes: Any) -> Card:
    return Card(NOW, replace(GOOD, **changes), names={"vault": "Drive", "remote": "GitHub"}, branch=BRANCH)


class Page(HTMLParser):
    """Every tag with its attributes, whether they balance, and the text outside of the style sheet."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def links(self) -> list[str | None]:
        return [attributes.get("href") for tag, attributes in self.tags if tag == "a"]


HELD = Held("w.pt", "too large", 812_000_000, level=Level.STORED)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "all safe"),
        ({"held": (HELD,)}, "all stored"),
        ({"held": (replace(HELD, level=Level.LOCAL),)}, "on this machine only"),
        ({"at_risk": ("a",)}, "1 file at risk"),
        ({"at_risk": ("a", "b")}, "2 files at risk"),
        ({"state": "saving"}, "saving…"),
        ({"replicas": (VAULT,)}, "all stored"),
        ({"replicas": (VAULT, replace(REMOTE, pending=1))}, "all stored"),
        ({"replicas": (replace(REMOTE, pending=1),)}, "on this machine only"),
        ({"replicas": ()}, "on this machine only"),
        ({"snapshot": None}, "nothing to save yet"),
    ],
)
def test_says_no_stronger_word_than_was_checked(changes: dict[str, Any], words: str) -> None:
    drawn = card(**changes)
    assert verdict(drawn).words == words
    assert words in Page(html(drawn)).text
    assert words in text(drawn)
    assert drawn.status is not None and headline(drawn.status).startswith(words)


def test_the_packages_of_machines_before_are_one_line_to_run() -> None:
    drawn = card(extra={"packages": ["seaborn==0.13.2", "x</code>==1"]})
    for form in (Page(html(drawn)).text, text(drawn)):
        assert "%pip install seaborn==0.13.2 x</code>==1" in form
    assert "%pip" not in text(card(extra={"packages": []}))


def test_names_every_place_file_and_reason_in_both_forms() -> None:
    failing = replace(VAULT, acknowledged=41, pending=1, error="The drive does not answer.")
    drawn = card(
        replicas=(failing, replace(REMOTE, pending=2)), at_risk=("train.py",), held=(HELD,), notes=("Slow.",)
    )
    for form in (Page(html(drawn)).text, text(drawn)):
        for said in (
            *("This machine", "Drive", "GitHub", "has snapshot 41", "The drive does not answer."),
            *("train.py", "w.pt", "too large · 812.0 MB · kept in the vault", "Slow."),
            *("about 9 h 12 min (an estimate", "%cd /content/digits", "As of", "22 Nov 2026, 23:31:04 UTC"),
        ):
            assert said in form


def test_a_long_list_says_how_many_more() -> None:
    drawn = card(at_risk=tuple(f"f{number}" for number in range(30)), held=(HELD,) * 10)
    assert "and 22 more" in Page(html(drawn)).text
    assert "at risk: 22 more" in text(drawn)
    assert "held: 2 more" in text(drawn)


def test_before_there_is_a_session_it_says_what_to_do() -> None:
    steps = (
        Step(
            "Make a token", Link("Make a token", "https://github.com/settings/tokens/new"), "It reaches all."
        ),
        Step("Give it to this notebook as `GITHUB_TOKEN`"),
    )
    drawn = Card(NOW, title="ada/digits needs a token", steps=steps)
    page = Page(html(drawn))
    assert page.links() == ["https://github.com/settings/tokens/new"]
    assert "2. Give it to this notebook as `GITHUB_TOKEN`" in text(drawn)
    assert "needs a token" in page.text


def test_a_closed_session_is_history() -> None:
    drawn = replace(card(), ended=True)
    assert verdict(drawn).words == "closed here"
    assert "time left" not in text(drawn)
    assert "says how it is now" not in Page(html(drawn)).text


def test_a_lead_comes_first() -> None:
    link = Link("Open it as you left it", "https://colab.research.google.com/github/a/b/blob/c/n.ipynb")
    drawn = replace(card(), lead=("This tab is older than your session.", link))
    assert Page(html(drawn)).text.index("This tab is older") < Page(html(drawn)).text.index("ada/digits")
    assert link.url in text(drawn)


def test_a_pull_request_is_linked() -> None:
    pull = Link("#7", "https://github.com/ada/digits/pull/7")
    drawn = replace(card(), pull=pull)
    assert pull.url in Page(html(drawn)).links()
    assert "pull request: #7 https://github.com/ada/digits/pull/7" in text(drawn)


def test_what_reviewers_say_is_shown_at_its_place_and_is_inert() -> None:
    remark = {"path": "n.ipynb", "cell": 2, "line": 1, "author": "gr<b>ace", "url": "https://x/1"}
    remarks = [{**remark, "text": "<script>x</script>" + "long " * 100}]
    words = [["ada", "Nearly\nthere."]]
    review = {"state": "changes requested", "url": "https://x/7", "words": words, "remarks": remarks}
    drawn = replace(card(), pull=Link("#7", "https://x/7"), status=replace(GOOD, extra={"review": review}))
    page = Page(html(drawn))
    assert "· changes requested" in page.text
    assert (
        "n.ipynb cell 2 line 1" in page.text
        and "gr<b>ace" in page.text
        and ": <script>x</script>long" in page.text
    )
    assert ": Nearly there." in page.text and "script" not in dict(page.tags)
    assert {"https://x/1", "https://x/7"} <= set(page.links())
    assert "review: changes requested" in text(drawn) and "ada on the whole: Nearly there." in text(drawn)
    assert all(len(line) < 300 for line in text(drawn).splitlines())


@pytest.mark.parametrize(
    ("kept", "link"),
    [
        ('{"number": 7, "url": "https://x/pull/7"}', Link("#7", "https://x/pull/7")),
        ("{}", None),
        ("[", None),
        ('{"number": "x"}', None),
    ],
)
def test_the_pull_request_is_remembered_by_the_session(kept: str, link: Link | None) -> None:
    where = Configuration(
        parse_address("ada/digits"),
        SessionName("ada", "s"),
        Path("/w"),
        "r",
        Identity("Ada", "a@example.org"),
    )
    assert gather(GOOD, where, at=NOW).pull is None
    where.places.create()
    where.places.pull_request.write_text(kept)
    assert gather(GOOD, where, at=NOW).pull == link


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2, from `#rgb` or `#rrggbb`."""
    digits = "".join(2 * digit for digit in colour[1:]) if len(colour) == 4 else colour[1:]
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


PAIRS = [
    *((text, ground) for text in ("text", "quiet", "link") for ground in ("ground", "raised")),
    *((tone, f"{tone}-soft") for tone in ("good", "busy", "warn", "off")),
    *(("text", f"{tone}-soft") for tone in ("warn", "off")),
    *(("link", f"{tone}-soft") for tone in ("warn", "off")),
    ("warn", "ground"),
    ("busy", "busy-soft"),
]


def test_contrast_is_as_the_numbers_have_it() -> None:
    assert round(contrast("#000", "#fff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


@pytest.mark.parametrize("theme", [_LIGHT, _DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_every_text_can_be_read_on_its_ground(theme: str, text: str, ground: str) -> None:
    colours = dict(re.findall(r"--([\w-]+):(#[0-9a-f]+)", theme))
    assert contrast(colours[text], colours[ground]) >= 4.5


def test_is_read_by_screen_readers() -> None:
    tags = Page(html(card(at_risk=("a",)))).tags
    roles = [attributes.get("role") for _, attributes in tags]
    labels = [attributes.get("aria-label") for _, attributes in tags]
    assert {"region", "status"} <= set(roles)
    assert "gitsession: ada/digits: 1 file at risk" in labels
    assert "Where the work is kept" in labels


def test_needs_no_network_and_no_script() -> None:
    page = Page(html(card(held=(HELD,), at_risk=("a",))))
    assert {tag for tag, _ in page.tags}.isdisjoint(
        {"script", "img", "link", "iframe", "object", "form", "svg"}
    )
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
    assert "url(" not in html(card())
    assert "@import" not in html(card())


def test_a_plain_form_stands_beside_the_rich_one() -> None:
    assert bundle(card()) == {"text/html": html(card()), "text/plain": text(card())}


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "http://evil.example/", "https:", "//x", "https://[", ""],
)
def test_only_good_links_can_be_followed(url: str) -> None:
    drawn = replace(card(), branch=Link("session", url))
    assert Page(html(drawn)).links() == []


@given(st.text(max_size=60))
def test_foreign_words_stay_words(words: str) -> None:
    hostile = f"{words}\"'><script>x</script>\u202e\x1b[31m<!--"
    drawn = Card(
        NOW,
        replace(
            GOOD,
            session=hostile,
            repo=hostile,
            worktree=Path(f"/{hostile}".replace("\0", "")),
            at_risk=(hostile,),
            held=(Held(hostile, hostile, 1),),
            notes=(hostile,),
            replicas=(ReplicaStatus(hostile, Level.SAFE, 1, 0, hostile),),
        ),
        lead=(hostile, Link(hostile, f"https://x/{hostile}")),
        notices=(hostile,),
        steps=(Step(hostile, None, hostile),),
        branch=Link(hostile, f"https://x/{hostile}"),
    )
    page = Page(html(drawn))
    assert page.open == []
    assert "script" not in [tag for tag, _ in page.tags]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    for form in (html(drawn), text(drawn)):
        assert "\u202e" not in form
        assert "\x1b" not in form
