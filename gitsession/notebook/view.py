"""What the card shows of a session at the moment, with what the notebook itself has to say."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from gitsession.agent.configuration import load
from gitsession.card import Card, Link, Step
from gitsession.card.gather import gather
from gitsession.session import Session
from gitsession.status import Status


@dataclass(frozen=True)
class Said:
    """What the notebook itself adds to the card."""

    lead: tuple[str, Link | None] | None = None
    notices: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass
class View:
    """Draws the cards of one session.

    Args:
        session: The session.
        said: What the notebook adds; it may change.
    """

    session: Session
    said: Said = field(default_factory=Said)
    _last: Status | None = None

    def now(self) -> Card:
        """The card as of now.

        Raises:
            AgentError: The session does not answer.
        """
        self._last = self.session.status()
        return self._card(self._last, ended=False)

    def ended(self) -> Card | None:
        """The last card of a session that was closed; None where none was drawn."""
        return None if self._last is None else self._card(self._last, ended=True)

    def _card(self, status: Status, *, ended: bool) -> Card:
        said = self.said
        return gather(
            status,
            load(self.session.places),
            at=time.time(),
            lead=said.lead,
            notices=(*self.session.notes, *said.notices),
            steps=() if ended else said.steps,
            ended=ended,
        )
