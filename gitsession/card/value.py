"""What a card shows, gathered before it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitsession.status import Status


@dataclass(frozen=True)
class Link:
    """Something to click: what it says, and where it leads: https, or http on loopback."""

    label: str
    url: str


@dataclass(frozen=True)
class Step:
    """One thing to do, in a numbered list: a sentence, its link where it has one, and a remark."""

    title: str
    link: Link | None = None
    remark: str = ""


@dataclass(frozen=True)
class Card:
    """One state of the card.

    Args:
        at: When it was true, in seconds since 1970.
        status: The session's status; None before there is a session.
        title: What stands at the top where there is no session.
        lead: The first line: what the person must see before anything else, and where it leads.
        notices: What the person should know, one sentence or two each.
        steps: What to do now, numbered, such as giving a token.
        names: What people call the replicas, by the names that `status` uses.
        branch: The session branch on its server.
        pull: The session's pull request.
        editor: The editor, without a ticket.
        ended: The session was closed here; it can be opened again.
    """

    at: float
    status: Status | None = None
    title: str = ""
    lead: tuple[str, Link | None] | None = None
    notices: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    branch: Link | None = None
    pull: Link | None = None
    editor: Link | None = None
    ended: bool = False
