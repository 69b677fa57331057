"""The card for who has given no token yet: three steps, fit for a phone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urlencode

from gitsession.address import github_server
from gitsession.card import Card, Link, Step
from gitsession.runtime import Runtime
from gitsession.runtime.colab import Colab
from gitsession.runtime.kaggle import Kaggle

SECRET = "GITHUB_TOKEN"
_AGAIN = Step(
    "Run this cell again", None, "You will not be asked again: other notebooks of yours find it too."
)


def steps(runtime: Runtime, environ: Mapping[str, str]) -> tuple[Step, ...]:
    """How a token is made and given on this kind of machine."""
    server = github_server(environ)
    query = urlencode({"scopes": "repo", "description": "gitsession"})
    make = Step(
        "Make a GitHub token",
        Link("Make a GitHub token", f"{server}/settings/tokens/new?{query}"),
        "All is filled in: press Generate token, then copy it. Such a token can read and write every"
        " repository that you can, so keep it secret.",
    )
    return (make, _give(runtime), _AGAIN)


def _give(runtime: Runtime) -> Step:
    if isinstance(runtime, Colab):
        return Step(
            f"Add it as the secret `{SECRET}`",
            None,
            "The key symbol at the left, Add new secret, paste it, and switch on Notebook access.",
        )
    if isinstance(runtime, Kaggle):
        return Step(
            f"Add it as the secret `{SECRET}`",
            None,
            "Add-ons, Secrets, Add secret, and tick it for this notebook.",
        )
    return Step(
        f"Put it into `{SECRET}`",
        None,
        f'`import os, getpass; os.environ["{SECRET}"] = getpass.getpass()` in a cell, or `gh auth login`.',
    )


def card(repo: str, why: str, runtime: Runtime, environ: Mapping[str, str]) -> Card:
    """The card in place of a session that could not be opened without a token."""
    return Card(
        at=time.time(), title=f"{repo} needs a token", lead=(why, None), steps=steps(runtime, environ)
    )
