"""What the card says, in words: the verdict, each place, each file, and the whole as plain text."""

from __future__ import annotations

import enum
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gitsession.card.value import Card
from gitsession.model import Held, Level
from gitsession.status import ReplicaStatus, Status
from gitsession.wording import human_size, human_span, inert

SHOWN_PATHS = 8
LONGEST_REMARK = 200
_LEVELS = {
    Level.NONE: "not saved",
    Level.LOCAL: "on this machine only",
    Level.STORED: "stored",
    Level.SAFE: "safe",
}


class Tone(str, enum.Enum):
    """How a statement feels; never told by colour alone."""

    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    OFF = "off"


@dataclass(frozen=True)
class Verdict:
    """The durability meter in two or three words."""

    tone: Tone
    words: str


def verdict(card: Card) -> Verdict:
    """What can be said of all work at once; no word is stronger than what was checked."""
    status = card.status
    if status is None:
        return Verdict(Tone.WARN, "not open yet")
    if card.ended:
        return Verdict(Tone.OFF, "closed here")
    if status.state == "saving":
        return Verdict(Tone.BUSY, "saving…")
    if status.at_risk:
        count = len(status.at_risk)
        return Verdict(Tone.WARN, f"{count} {'file' if count == 1 else 'files'} at risk")
    return _of_everything(status)


def _of_everything(status: Status) -> Verdict:
    if status.snapshot is None:
        return Verdict(Tone.BUSY, "nothing to save yet")
    if status.level is Level.SAFE:
        return Verdict(Tone.GOOD, "all safe")
    if status.level is Level.STORED:
        return Verdict(Tone.GOOD, "all stored")
    return Verdict(Tone.BUSY if _is_shipping(status) else Tone.WARN, _LEVELS[Level.LOCAL])


def _is_shipping(status: Status) -> bool:
    return any(replica.pending and not replica.error for replica in status.replicas)


@dataclass(frozen=True)
class Place:
    """One place of the meter: its name, whether it has everything, and what is said of it."""

    name: str
    tone: Tone
    words: str
    error: str = ""


def places(card: Card) -> tuple[Place, ...]:
    """This machine first, then each replica."""
    status = card.status
    if status is None:
        return ()
    newest = status.snapshot.number if status.snapshot else 0
    here = Place("This machine", Tone.GOOD if newest else Tone.OFF, _snapshot(newest))
    return (
        here,
        *(_place(card.names.get(replica.name, replica.name), replica) for replica in status.replicas),
    )


def _place(name: str, replica: ReplicaStatus) -> Place:
    if replica.error:
        return Place(name, Tone.WARN, _behind(replica), replica.error)
    if replica.pending:
        return Place(name, Tone.BUSY, _behind(replica))
    if replica.level < Level.STORED:
        return Place(name, Tone.OFF, "nothing yet")
    return Place(name, Tone.GOOD, f"{_snapshot(replica.acknowledged)}, {_LEVELS[replica.level]}")


def _behind(replica: ReplicaStatus) -> str:
    return f"has {_snapshot(replica.acknowledged)}" if replica.acknowledged else "nothing yet"


def _snapshot(number: int) -> str:
    return f"snapshot {number}" if number else "nothing yet"


def held_line(held: Held) -> str:
    """Why a file's newest content is held, how large it is, and where it is kept."""
    where = "kept in the vault" if held.level >= Level.STORED else _LEVELS[held.level]
    return f"{held.reason} · {human_size(held.size)} · {where}"


@dataclass(frozen=True)
class Said:
    """What a reviewer said: where, by whom, the first words of it, and its address."""

    place: str
    author: str
    words: str
    url: str


def review_state(card: Card) -> str:
    """How the pull request stands, such as `changes requested`; empty where nobody asked."""
    return str(_review(card).get("state", ""))


def said(card: Card) -> tuple[Said, ...]:
    """What reviewers said, the newest first: at a line, or with their verdict."""
    told = _review(card)
    lines = [
        Said(_place_of(each), each["author"], _first_words(each["text"]), each["url"])
        for each in told.get("remarks", ())
    ]
    verdicts = [
        Said("the whole", author, _first_words(text), told["url"]) for author, text in told.get("words", ())
    ]
    return tuple(reversed([*verdicts, *lines]))


def _review(card: Card) -> dict[str, Any]:
    return (card.status.extra.get("review") or {}) if card.status else {}


def _place_of(remark: dict[str, Any]) -> str:
    cell = f" cell {remark['cell']}" if remark["cell"] else ""
    return f"{remark['path']}{cell} line {remark['line']}" if remark["line"] else f"{remark['path']}{cell}"


def _first_words(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REMARK else f"{line[: LONGEST_REMARK - 1]}…"


def shortened(paths: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """The first few, and how many more there are."""
    return paths[:SHOWN_PATHS], max(0, len(paths) - SHOWN_PATHS)


def moment(at: float) -> str:
    """`22 Nov 2026, 23:31:04 UTC`: a notebook travels, so the zone is named."""
    return time.strftime("%-d %b %Y, %H:%M:%S UTC", time.gmtime(at))


def clock(at: float) -> str:
    """`23:31 UTC`."""
    return time.strftime("%H:%M UTC", time.gmtime(at))


def time_left(card: Card) -> str | None:
    """How long the machine is expected to last from the card's moment on; None where nothing is known."""
    deadline = card.status.deadline if card.status else None
    if deadline is None or card.ended:
        return None
    left = human_span(deadline.at - card.at)
    return f"about {left} (an estimate, until {clock(deadline.at)})" if deadline.estimate else left


def change_directory(card: Card) -> str | None:
    """The line that brings a notebook into the work tree."""
    return f"%cd {inert(card.status.worktree)}" if card.status else None


def packages(card: Card) -> str | None:
    """The line that gives this machine what the session's notebooks installed, here or on one before."""
    named = card.status.extra.get("packages") if card.status else None
    return f"%pip install {inert(' '.join(named))}" if named else None


def footing(card: Card) -> str:
    """From when the card is, and how to know more."""
    return f"As of {moment(card.at)}."


def text(card: Card) -> str:
    """The card where there is no HTML."""
    return "\n".join(_lines(card))


def _lines(card: Card) -> Iterator[str]:
    status = card.status
    head = f"{status.repo}, session {status.session}" if status else card.title
    yield f"gitsession: {inert(head)}: {verdict(card).words}"
    if card.lead:
        sentence, link = card.lead
        yield f"  {inert(sentence)}" + (f" {inert(link.url)}" if link else "")
    for number, step in enumerate(card.steps, 1):
        yield f"  {number}. {inert(step.title)}" + (f" {inert(step.link.url)}" if step.link else "")
    for place in places(card):
        yield f"  {inert(place.name)}: {place.words}" + (f" ({inert(place.error)})" if place.error else "")
    if status:
        yield from _files(status)
    yield from (f"  {inert(notice)}" for notice in (*card.notices, *(status.notes if status else ())))
    yield from _facts(card)
    yield f"  {footing(card)}"


def _files(status: Status) -> Iterator[str]:
    named, more = shortened(status.at_risk)
    yield from (f"  at risk: {inert(path)}" for path in named)
    if more:
        yield f"  at risk: {more} more"
    yield from (f"  held: {inert(held.path)}: {inert(held_line(held))}" for held in status.held[:SHOWN_PATHS])
    if (more := len(status.held) - SHOWN_PATHS) > 0:
        yield f"  held: {more} more"


def _facts(card: Card) -> Iterator[str]:
    for name, link in (("branch", card.branch), ("pull request", card.pull), ("editor", card.editor)):
        if link:
            yield f"  {name}: {inert(link.label)} {inert(link.url)}"
    if state := review_state(card):
        yield f"  review: {inert(state)}"
    for each in said(card)[:SHOWN_PATHS]:
        yield f"  {inert(each.author)} on {inert(each.place)}: {inert(each.words)}"
    if left := time_left(card):
        yield f"  time left: {left}"
    if line := change_directory(card):
        yield f"  work here: {line}"
    if line := packages(card):
        yield f"  packages: {line}"
