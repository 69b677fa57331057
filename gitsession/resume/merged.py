"""A session whose pull request was merged is over: the next `open` starts from the merged base."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from gitsession.credentials import Token
from gitsession.errors import GitsessionError
from gitsession.model import SessionName
from gitsession.resume.account import Standing, is_github
from gitsession.resume.plan import Line, Wanted, newest_unfinished

IsMerged = Callable[[SessionName], bool]


def asked_of(standing: Standing, token: Token | None, environ: Mapping[str, str]) -> IsMerged:
    """Asks GitHub, once a session, whether its newest pull request was merged; no answer is a no."""

    @cache
    def is_merged(session: SessionName) -> bool:
        if token is None or standing.login is None or not is_github(standing.address, environ):
            return False
        from gitsession.hub import Hub, api_url

        pulls = Hub(lambda: token, api_url(standing.address.host, environ)).pulls(standing.address)
        try:
            pull = pulls.find(f"{standing.home.owner}:{session.review_branch}", state="all")
        except GitsessionError:
            return False
        return pull is not None and pull.merged

    return is_merged


def over(lines: Sequence[Line], wanted: Wanted, is_merged: IsMerged) -> list[Line]:
    """The same copies, where those of merged sessions that would be resumed now count as finished."""
    told = list(lines)
    while (newest := newest_unfinished(told, wanted)) is not None and is_merged(newest):
        told = [replace(line, finished=True) if line.session == newest else line for line in told]
    return told
