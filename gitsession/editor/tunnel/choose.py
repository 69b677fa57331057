"""Which tunnel `auto` takes, and why; pure, so that the reason can be shown before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass

from gitsession.errors import UsageError

NAMES = ("auto", "ngrok", "colab", "none")
COLAB_TERMS = (
    "Free Colab runtimes do not allow remote UIs such as an editor through a tunnel; "
    "with a paid balance they do."
)


@dataclass(frozen=True)
class Situation:
    """What decides.

    Args:
        on_colab: The runtime is Google Colab.
        own_machine: The person sits at this machine, so that loopback is enough.
        has_ngrok_token: An authtoken is at hand.
        proxy_works: Colab's proxy passed its probe; None when it was not probed.
    """

    on_colab: bool = False
    own_machine: bool = True
    has_ngrok_token: bool = False
    proxy_works: bool | None = None


@dataclass(frozen=True)
class Choice:
    """What to open, and why.

    Args:
        tunnel: `ngrok`, `colab` or `none`.
        why: For people, in one sentence.
        offers: What a click may open later, empty where nothing is offered.
        terms: What the person should know before that click.
    """

    tunnel: str
    why: str
    offers: str = ""
    terms: str = ""


def choose(wanted: str | None, situation: Situation) -> Choice:
    """Decide which tunnel to open.

    Raises:
        UsageError: There is no tunnel of that name.
    """
    wanted = wanted or "none"
    if wanted not in NAMES:
        raise UsageError(f"{wanted!r} is no tunnel.", hint=f"Use one of: {', '.join(NAMES)}.")
    if wanted != "auto":
        return Choice(wanted, "it was asked for")
    if situation.on_colab:
        return _on_colab(situation)
    if situation.own_machine:
        return Choice("none", "the editor is on this machine")
    if situation.has_ngrok_token:
        return Choice("ngrok", "an ngrok authtoken is set")
    return Choice("none", "no ngrok authtoken is set, so nothing can be opened to the outside")


def _on_colab(situation: Situation) -> Choice:
    offers = "colab" if situation.proxy_works else "ngrok"
    return Choice("none", "on Colab a tunnel is opened only when you ask for it", offers, COLAB_TERMS)
