"""The card of a running session, gathered from its status and its configuration."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from gitsession.address import GITHUB, Address
from gitsession.agent.configuration import Configuration
from gitsession.card.value import Card, Link, Step
from gitsession.status import Status

COLAB = "https://colab.research.google.com/github"


def gather(
    status: Status,
    configuration: Configuration,
    *,
    at: float,
    lead: tuple[str, Link | None] | None = None,
    notices: tuple[str, ...] = (),
    steps: tuple[Step, ...] = (),
    ended: bool = False,
) -> Card:
    """The card of a session.

    Args:
        status: What its agent says.
        configuration: Where its replicas are.
        at: When that was, in seconds since 1970.
        lead: See `Card`, as for the others.
        notices: What the person should know.
        steps: What they should do.
        ended: Whether it was closed.
    """
    home = configuration.fork or configuration.address
    return Card(
        at=at,
        status=status,
        lead=lead,
        notices=notices,
        steps=steps,
        names=configuration.place_names,
        branch=branch_link(home, status.branch),
        pull=_pull_link(configuration.places.pull_request),
        editor=_editor_link(status),
        ended=ended,
    )


def branch_link(home: Address, branch: str | None) -> Link | None:
    """The session branch on its server, where that has pages."""
    if branch is None or not home.is_https:
        return None
    return Link(branch, f"{home.url.removesuffix('.git')}/tree/{quote(branch)}")


def _pull_link(place: Path) -> Link | None:
    """The pull request that `review` has opened; None without one, or where the note of it is damaged."""
    try:
        told = json.loads(place.read_bytes())
        return Link(f"#{int(told['number'])}", str(told["url"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _editor_link(status: Status) -> Link | None:
    if status.editor is None or status.editor.url is None:
        return None
    return Link("Open the editor", status.editor.url.partition("#")[0])


def colab_link(home: Address, commit: str, path: str) -> Link | None:
    """The notebook in Colab as it was in a commit; None where Colab cannot open it."""
    if home.host != GITHUB:
        return None
    return Link(f"Open {path} as you left it", f"{COLAB}/{home.slug}/blob/{commit}/{quote(path)}")
