"""GitHub's API: the only part that knows PyGithub.

`Hub` answers about accounts, repositories and tokens, `Pulls` about the pull requests of one repository.
Errors are ours; what creates something happens once, also when its answer is lost.
"""

from gitsession.hub.answers import (
    Comment,
    Pull,
    Repository,
    Review,
    ReviewComment,
    Rule,
    TokenFacts,
    User,
    token_kind,
)
from gitsession.hub.hub import Hub, api_url
from gitsession.hub.pulls import Pulls

__all__ = [
    "Comment",
    "Hub",
    "Pull",
    "Pulls",
    "Repository",
    "Review",
    "ReviewComment",
    "Rule",
    "TokenFacts",
    "User",
    "api_url",
    "token_kind",
]
