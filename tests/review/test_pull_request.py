from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from gitsession.review.branch import ConflictedFile
from gitsession.review.changes import Changes
from gitsession.review.notebooks import compare
from gitsession.review.pull_request import Edit, Wanted, open_or_update, plan_comments, publish_comments
from gitsession.review.template import body, colab_link, duration, from_trailers, renewed, sentence
from tests.review import cases
from tests.review.test_markdown import HOSTILE, assert_inert

WANTED = Wanted("ada:review/ada/lesson", "main", "A title", "", reviewers=("grace",), labels=("notebook",))
CHANGES = Changes((compare("a b.ipynb", *cases.changed("parameter")),), (("train.py", "changed"),))


@dataclass(frozen=True)
class Pull:
    number: int
    url: str
    draft: bool
    body: str
    title: str = ""


@dataclass(frozen=True)
class Comment:
    id: int
    body: str
    author: str


@dataclass
class Stored:
    """What a repository on GitHub would hold; stands for `hub.Pulls`, without its network and its errors."""

    drafts: bool = True
    pull: Pull | None = None
    said: list[Comment] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    made: int = 0

    def find(self, head: str, *, base: str | None = None, state: str = "open") -> Pull | None:
        return self.pull

    def open(self, head: str, base: str, title: str, body: str, *, draft: bool = True) -> Pull:
        self.made += 1
        self.pull = Pull(7, "https://github.com/ada/digits/pull/7", draft and self.drafts, body, title)
        return self.pull

    def update(
        self, number: int, *, title: str | None = None, body: str | None = None, base: str | None = None
    ) -> Pull:
        assert self.pull is not None
        self.pull = replace(self.pull, title=title or self.pull.title, body=body or self.pull.body)
        return self.pull

    def comments(self, number: int) -> Sequence[Comment]:
        return tuple(self.said)

    def comment(self, number: int, body: str) -> Comment:
        self.said.append(Comment(len(self.said) + 1, body, "ada"))
        return self.said[-1]

    def edit_comment(self, identifier: int, body: str) -> Comment:
        self.said[identifier - 1] = replace(self.said[identifier - 1], body=body)
        return self.said[identifier - 1]

    def request_reviewers(self, number: int, reviewers: Sequence[str]) -> None:
        self.asked += reviewers

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        self.asked += labels


def written(words: str = "", template: str = "") -> str:
    how = from_trailers(
        ['{"seconds": 190, "gpu": "Tesla T4", "python": "3.11.9"}', "{", "[]", '{"exit": 1}'], runtime="Colab"
    )
    return body(
        CHANGES, how, repository="ada/digits", branch="review/ada/lesson", words=words, template=template,
        conflicts=(ConflictedFile("a.ipynb", (4, 5)),),
    )  # fmt: skip


def test_the_description_says_what_how_and_where_to_try() -> None:
    text = written("My words.", "## Checklist\n- [ ] tested")
    assert text.startswith("My words.") and text.endswith("- [ ] tested")
    for part in (
        "1 cell changed",
        "train.py",
        "Colab, Tesla T4, Python 3.11.9; 2 runs in 3 min 10 s, 1 failed.",
        "cells 4, 5",
    ):
        assert part in text
    assert colab_link("ada/digits", "review/ada/lesson", "a b.ipynb") in text


def test_one_pull_request_however_often_it_is_asked_for() -> None:
    hub = Stored()
    first = open_or_update(hub, replace(WANTED, body=written()))
    again = open_or_update(hub, replace(WANTED, body=written(), title="Another"))
    assert (hub.made, first.found, again.found, again.number) == (1, False, True, 7)
    assert hub.pull and hub.pull.title == "A title"
    assert {*hub.asked} == {"grace", "notebook"}


def test_what_people_wrote_around_our_part_stays() -> None:
    hub = Stored()
    open_or_update(hub, replace(WANTED, body=written("Old words.", "- [x] ticked")))
    open_or_update(
        hub, replace(WANTED, body=written("New words.").replace("1 cell changed", "2 cells changed"))
    )
    assert hub.pull
    assert (
        "Old words." in hub.pull.body
        and "- [x] ticked" in hub.pull.body
        and "2 cells changed" in hub.pull.body
    )
    assert renewed("all rewritten by hand", written()) == "all rewritten by hand"


def test_a_repository_without_drafts_is_said() -> None:
    opened = open_or_update(Stored(drafts=False), replace(WANTED, body=written()))
    assert "no drafts" in opened.notes[0]


def test_comments_are_edited_in_place_and_quiet_when_nothing_changed() -> None:
    hub = Stored(said=[Comment(1, "A human's remark", "grace")])
    pauses: list[int] = []
    assert publish_comments(hub, 7, ["one", "two"], "ada", lambda: pauses.append(1)) == 2
    assert publish_comments(hub, 7, ["one", "two"], "ada", lambda: pauses.append(1)) == 0
    assert publish_comments(hub, 7, ["one, again"], "ada", lambda: pauses.append(1)) == 2
    assert len(hub.said) == 3 and "no longer needed" in hub.said[2].body
    assert hub.said[0].body == "A human's remark" and len(pauses) == 2


def test_a_comment_of_somebody_else_with_our_marker_is_left_alone() -> None:
    forged = Comment(1, "<!-- gitsession:review 1 -->\nforged", "mallory")
    assert plan_comments([forged], ["one"], "ada") == (Edit(None, "<!-- gitsession:review 1 -->\none"),)


@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_circumstances_are_inert_in_the_description(text: str) -> None:
    changes = Changes((compare(f"{text}.ipynb", None, b"{"),), ((text, "added"),))
    installed = {"gpu": "x", "changed": {text: [text, text + "2"]}}
    how = from_trailers([json.dumps(installed)], runtime=text)
    described = body(changes, how, repository="ada/digits", branch="b", conflicts=(ConflictedFile(text),))
    lines = [line for line in described.splitlines() if "Open in Colab" not in line and "<!--" not in line]
    assert_inert("\n".join(lines))


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (3900, "1 h 5 min")])
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_package_changes_are_those_of_the_whole_session() -> None:
    def said(**changed: object) -> str:
        return json.dumps({"changed": changed})

    ran = [
        said(seaborn=[None, "0.13.1"], numpy=["1.26.4", "2.0.1"], tried=[None, "1.0"]),
        said(numpy=["1.26.4", "2.1.0"], tried=[None, None], old=["3.0", None]),
        said(seaborn=[None, "0.13.2"], bad="1", worse=[1]),
        '{"changed": 7}',
    ]
    how = from_trailers(ran)
    assert how.packages == ("numpy 2.1.0 (was 1.26.4)", "old (removed)", "seaborn 0.13.2")
    described = body(CHANGES, how, repository="ada/digits", branch="b")
    assert "Packages changed: numpy 2.1.0 (was 1.26.4), old (removed), seaborn 0.13.2" in described


def test_nothing_known_is_nothing_said() -> None:
    assert sentence(from_trailers([])) == ""
