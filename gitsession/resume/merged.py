"""A session whose pull request was merged is over: the next `open` starts from the merged base."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from gitsession.address import Address
from gitsession.credentials import Token
from gitsession.errors import GitsessionError
from gitsession.model import SessionName
from gitsession.resume.account import Standing, is_github
from gitsession.resume.plan import Line, Wanted, newest_unfinished

if TYPE_CHECKING:
    from gitsession.hub import Pull

IsMerged = Callable[[SessionName], bool]
NewestPull = Callable[[SessionName], "Pull | None"]


def asked_of(standing: Standing, token: Token | None, environ: Mapping[str, str]) -> IsMerged:
    """Asks GitHub, once a session, whether its newest pull request was merged; no answer is a no."""
    if standing.login is None:
        return lambda _: False
    newest = newest_pull(standing.address, standing.home.owner, token, environ)

    def is_merged(session: SessionName) -> bool:
        pull = newest(session)
        return pull is not None and pull.merged

    return is_merged


def newest_pull(address: Address, owner: str, token: Token | None, environ: Mapping[str, str]) -> NewestPull:
    """Asks GitHub, once a session, for its newest pull request; None without an answer.

    Args:
        address: The repository that pull requests go into.
        owner: Who owns the repository that the review branches lie in.
        token: Without one nobody is asked.
        environ: Names the server that counts as GitHub.
    """
    if token is None or not is_github(address, environ):
        return lambda _: None
    from gitsession.hub import Hub, api_url

    pulls = Hub(lambda: token, api_url(address.host, environ)).pulls(address)

    @cache
    def newest(session: SessionName) -> Pull | None:
        try:
            return pulls.find(f"{owner}:{session.review_branch}", state="all")
        except GitsessionError:
            return None

    return newest


def over(lines: Sequence[Line], wanted: Wanted, is_merged: IsMerged) -> list[Line]:
    """The same copies, where those of merged sessions that would be resumed now count as finished."""
    told = list(lines)
    while (newest := newest_unfinished(told, wanted)) is not None and is_merged(newest):
        told = [replace(line, finished=True) if line.session == newest else line for line in told]
    return told
