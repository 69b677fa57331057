"""A round of review against GitHub's stand-in: whatever one call comes to, the next round makes it whole."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gitsession.errors import GitsessionError, HubError
from gitsession.hub import Hub, Pulls
from gitsession.review.pull_request import Wanted, open_or_update, publish_comments
from gitsession.review.template import CLOSING, OPENING
from tests.rig import hub as rig
from tests.rig.discussion import PullRequest
from tests.rig.forge import ADA_TOKEN, Forge
from tests.rig.hub_outcomes import OUTCOMES, outcome

QUICK = tuple(name for name in OUTCOMES if name not in ("200", "timeout"))
MOMENTS = ("before", "after")
NOTED = ("pulls/request-reviewers", "issues/add-labels")
USED = (
    "users/get-authenticated",
    "pulls/list",
    "pulls/create",
    "pulls/update",
    "issues/list-comments",
    "issues/create-comment",
    "issues/update-comment",
    *NOTED,
    "pulls/get",
    "graphql",
)


Case = tuple[str, str, int]  # an outcome, before or after the effect, in which round
EVERY = tuple((name, moment, hit) for name in QUICK for moment in MOMENTS for hit in (1, 2))
SOME = (("lost", "after", 1), ("500", "before", 2))
SETS = [pytest.param(SOME, id="some"), pytest.param(EVERY, id="every", marks=pytest.mark.long)]


@dataclass
class Author:
    """Who hands in one branch, round after round, and then takes the pull request out of draft."""

    hub: Hub
    branch: str
    base: str = "main"

    @property
    def pulls(self) -> Pulls:
        return self.hub.pulls("ada/digits")

    def round(self, number: int) -> tuple[str, ...]:
        wanted = Wanted(
            f"ada:{self.branch}",
            self.base,
            f"Round {number}",
            f"{OPENING}\nWhat changed in round {number}.\n{CLOSING}",
            reviewers=("grace",),
            labels=("notebook",),
            retitle=True,
        )
        opened = open_or_update(self.pulls, wanted)
        texts = [f"Notebook, round {number}", f"More of round {number}"]
        publish_comments(self.pulls, opened.number, texts, self.hub.user().login, lambda: None)
        self.pulls.mark_ready(opened.number)
        return opened.notes


@pytest.fixture
def author(hub: rig.Hub, forge: Forge) -> Callable[[int], Author]:
    """Somebody with a fresh branch, one commit ahead of `main`."""
    github = Hub(lambda: ADA_TOKEN, hub.api_url, between_writes=0.0, sleep=lambda _seconds: None)

    def make(number: int) -> Author:
        hosted, branch = forge.repository(), f"review/ada/lesson-{number}"
        commit = hosted.git("commit-tree", "main^{tree}", "-p", "main", "-m", f"change {number}")
        hosted.git("update-ref", f"refs/heads/{branch}", commit)
        return Author(github, branch)

    return make


def whole(pull: PullRequest, number: int) -> None:
    """The pull request says what the newest round said, once."""
    assert (pull.title, pull.draft, pull.reviewers, pull.labels) == (
        f"Round {number}",
        False,
        ["grace"],
        ["notebook"],
    )
    assert pull.body.count("What changed") == 1 and f"in round {number}." in pull.body
    assert [comment.body.partition("\n")[2] for comment in pull.comments] == [
        f"Notebook, round {number}",
        f"More of round {number}",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("operation", USED)
@pytest.mark.parametrize("cases", SETS)
def test_whatever_one_call_comes_to_the_next_round_makes_it_whole(
    hub: rig.Hub, forge: Forge, author: Callable[[int], Author], operation: str, cases: tuple[Case, ...]
) -> None:
    """In the first round and in the second: done, or a clear refusal; never anything twice."""
    for number, (name, moment, hit) in enumerate(cases):
        ada = author(number)
        for turn in range(1, hit + 2):
            if turn == hit:
                hub.faults.add(outcome(name, operation, "before" if moment == "before" else "after"))
            try:
                notes = ada.round(turn)
            except GitsessionError as error:
                assert turn == hit and error.what and (error.hint or isinstance(error, HubError)), name
                assert ADA_TOKEN not in "".join(traceback.format_exception(error))
            else:
                assert not notes or (turn == hit and operation in NOTED), (name, moment, notes)
            hub.faults.clear()
        (pull,) = [pull for pull in forge.repository().pulls.values() if pull.head == ada.branch]
        whole(pull, hit + 1)
