"""The card as HTML: one section, no script, nothing fetched, every foreign word escaped."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import urlsplit

from gitsession.card import words
from gitsession.card.style import SHEET
from gitsession.card.value import Card, Link, Step
from gitsession.status import Status
from gitsession.wording import inert

MARK = "data-gitsession-card"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def section(card: Card) -> str:
    """The whole card."""
    said = words.verdict(card)
    name = f"{card.status.repo}: {said.words}" if card.status else card.title
    return "".join(
        (
            f'<section class="gitsession-card" {MARK}="1" role="region"',
            f' aria-label="gitsession: {_safe(name)}">',
            f"<style>{SHEET}</style>",
            *_lead(card),
            *_head(card, said),
            *_meter(card),
            *_steps(card.steps),
            *(_files(card.status) if card.status else ()),
            *_said(card),
            *(f'<p class="note">{_prose(notice)}</p>' for notice in _notices(card)),
            *_facts(card),
            f'<p class="foot">{_foot(card)}</p>',
            "</section>",
        )
    )


def _safe(text: object) -> str:
    return escape(inert(text))


def _prose(text: str) -> str:
    """A sentence of ours, in which `…` marks what is typed."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _safe(text)
    return "".join(f"<code>{_safe(part)}</code>" if at % 2 else _safe(part) for at, part in enumerate(parts))


def _anchor(link: Link) -> str:
    """A link that opens beside the notebook; just its words where it leads nowhere good."""
    if not _may_be_followed(link.url):
        return _safe(link.label)
    return f'<a href="{_safe(link.url)}" target="_blank" rel="noopener noreferrer">{_safe(link.label)}</a>'


def _may_be_followed(url: str) -> bool:
    try:
        split = urlsplit(url)
    except ValueError:
        return False
    if split.scheme == "https":
        return bool(split.netloc)
    return split.scheme == "http" and split.netloc.partition(":")[0] in _LOOPBACK


def _lead(card: Card) -> Iterator[str]:
    if card.lead is not None:
        sentence, link = card.lead
        yield f'<p class="lead" role="note">{_prose(sentence)}{f" {_anchor(link)}" if link else ""}</p>'


def _head(card: Card, said: words.Verdict) -> Iterator[str]:
    yield '<div class="head"><h3>'
    if card.status:
        yield f"{_safe(card.status.repo)}<small>session {_safe(card.status.session)}</small>"
    else:
        yield _safe(card.title)
    yield f'</h3><span class="pill {said.tone.value}" role="status">{_safe(said.words)}</span></div>'


def _meter(card: Card) -> Iterator[str]:
    found = words.places(card)
    if not found:
        return
    yield '<ol class="meter" aria-label="Where the work is kept">'
    yield from (
        f'<li class="{place.tone.value}"><b>{_safe(place.name)}</b><span>{_safe(place.words)}</span></li>'
        for place in found
    )
    yield "</ol>"
    yield from (
        f'<p class="note warn"><b>{_safe(place.name)}:</b> {_prose(place.error)}</p>'
        for place in found
        if place.error
    )


def _steps(steps: Iterable[Step]) -> Iterator[str]:
    drawn = [_step(step) for step in steps]
    if drawn:
        yield f'<ol class="steps" aria-label="What to do">{"".join(drawn)}</ol>'


def _step(step: Step) -> str:
    title = _anchor(step.link) if step.link else f"<b>{_prose(step.title)}</b>"
    remark = f"<small>{_prose(step.remark)}</small>" if step.remark else ""
    return f"<li>{title}{remark}</li>"


def _files(status: Status) -> Iterator[str]:
    at_risk, more = words.shortened(status.at_risk)
    names = [f"<code>{_safe(path)}</code>" for path in at_risk]
    yield from _list("", "At risk: only on this machine", names, more)
    held = status.held[: words.SHOWN_PATHS]
    lines = [f"<code>{_safe(it.path)}</code><small>{_safe(words.held_line(it))}</small>" for it in held]
    yield from _list("held", "Held: not pushed", lines, len(status.held) - len(held))


def _said(card: Card) -> Iterator[str]:
    said = words.said(card)
    lines = [_remark(each) for each in said[: words.SHOWN_PATHS]]
    more = len(said) - len(lines)
    rest = [f"<small>and {more} more: <code>gitsession review --status</code> shows them</small>"]
    yield from _list("said", "Reviewers say", [*lines, *(rest if more else [])], 0)


def _remark(said: words.Said) -> str:
    who = _anchor(Link(said.author, said.url))
    return f"<code>{_safe(said.place)}</code><small>{who}: {_safe(said.words)}</small>"


def _list(kind: str, title: str, lines: list[str], more: int) -> Iterator[str]:
    if lines:
        rest = [f"<small>and {more} more: <code>gitsession status</code> names them</small>"] if more else []
        items = "".join(f"<li>{line}</li>" for line in (*lines, *rest))
        yield f'<div class="files {kind}"><h4>{title}</h4><ul>{items}</ul></div>'


def _notices(card: Card) -> tuple[str, ...]:
    return (*card.notices, *(card.status.notes if card.status else ()))


def _facts(card: Card) -> Iterator[str]:
    left = words.time_left(card)
    rows = [
        ("Editor", _anchor(card.editor) if card.editor else None),
        ("Branch", _anchor(card.branch) if card.branch else None),
        ("Pull request", f"{_anchor(card.pull)}{_state(card)}" if card.pull else None),
        ("Time left", _safe(left) if left else None),
        ("Work here", _typed(words.change_directory(card))),
        ("Packages", _typed(words.packages(card))),
    ]
    shown = [(name, value) for name, value in rows if value is not None]
    if shown:
        yield '<dl class="facts">'
        yield from (f"<dt>{name}</dt><dd>{value}</dd>" for name, value in shown)
        yield "</dl>"


def _typed(line: str | None) -> str | None:
    return f'<code class="copy">{escape(line)}</code>' if line else None


def _state(card: Card) -> str:
    state = words.review_state(card)
    return f" · {_safe(state)}" if state else ""


def _foot(card: Card) -> str:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(card.at))
    more = " <code>%gitsession</code> in a cell says how it is now." if card.status and not card.ended else ""
    return f'As of <time datetime="{stamp}">{words.moment(card.at)}</time>.{more}'
