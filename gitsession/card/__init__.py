"""The card under a notebook's cell: what is saved where, drawn from plain values.

It needs no network and no script, and it is true for ever: everything on it is said as of a moment.
"""

from gitsession.card.value import Card, Link, Step
from gitsession.card.words import Tone, Verdict, text, verdict

__all__ = ["Card", "Link", "Step", "Tone", "Verdict", "bundle", "html", "text", "verdict"]


def html(card: Card) -> str:
    """The card as one HTML section, every foreign word escaped."""
    from gitsession.card.markup import section

    return section(card)


def bundle(card: Card) -> dict[str, str]:
    """The card in every form that a front end may choose from, by MIME type."""
    return {"text/html": html(card), "text/plain": text(card)}
