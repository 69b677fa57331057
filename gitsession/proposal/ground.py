"""What a review stands on: the session's repositories, its remote, and GitHub where it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gitsession import credentials, run
from gitsession.address import SERVER_VARIABLE, Address
from gitsession.agent import control
from gitsession.agent.configuration import Configuration, load
from gitsession.agent.places import Places
from gitsession.credentials import Token
from gitsession.git import Repository
from gitsession.model import SessionName
from gitsession.replicas.remote_refs import RemoteRefs
from gitsession.resume.account import is_github
from gitsession.snapshot.user import UserRepository, discover

if TYPE_CHECKING:
    from gitsession.hub import Hub, Pulls

ANSWER_TIMEOUT = 30.0
FETCHED = "refs/gitsession-review"


@dataclass(frozen=True)
class Ground:
    """A running session, as a review needs it.

    Args:
        configuration: The session's.
        places: Its local state.
        user: The user's repository, which is only read.
        repository: The shadow repository, which sees the user's objects too.
        token: What GitHub is asked with; None where there is none.
    """

    configuration: Configuration
    places: Places
    user: UserRepository
    repository: Repository
    token: Token | None = field(default=None, repr=False)

    @property
    def session(self) -> SessionName:
        """Its name."""
        return self.configuration.session

    @property
    def address(self) -> Address:
        """The repository that the pull request goes into."""
        return self.configuration.address

    @property
    def home(self) -> Address:
        """Where the review branch lies: the repository itself, or the person's fork."""
        return self.configuration.fork or self.address

    @property
    def head(self) -> str:
        """The review branch as GitHub names it across forks."""
        return f"{self.home.owner}:{self.session.review_branch}"

    @property
    def is_on_github(self) -> bool:
        """Whether there can be a pull request at all."""
        return is_github(self.address, {SERVER_VARIABLE: self.configuration.server_url})

    @property
    def hub(self) -> Hub | None:
        """GitHub's API; None where the remote is no GitHub or nothing may be asked of it."""
        if self.token is None or not self.is_on_github:
            return None
        from gitsession.hub import Hub

        return Hub(lambda: self.token, self.configuration.api_url)

    @property
    def pulls(self) -> Pulls | None:
        """The pull requests of the repository; None where there are none to be had."""
        hub = self.hub
        return None if hub is None else hub.pulls(self.address)

    def refs(self, at: Address | None = None) -> RemoteRefs:
        """What the review branch's remote serves, or another address."""
        return RemoteRefs(self.repository, (at or self.home).url, self.repository.variables)

    def fetched(self, ref: str, name: str, *, at: Address | None = None) -> str:
        """Bring a ref of the remote here, under a name of ours; answers with its commit.

        Raises:
            GitError, AuthorisationError: It cannot be had.
        """
        return self.refs(at).fetch(ref, f"{FETCHED}/{name}")


def ground(places: Places) -> Ground:
    """Where a running session stands.

    Raises:
        AgentError: It does not run.
        RepositoryError: Its work tree is gone.
    """
    configuration = load(places)
    user = discover(configuration.worktree)
    told = control.ask(places.keeper_socket, "token", timeout=ANSWER_TIMEOUT)["token"]
    token = Token.parse(told, "the session") if told else None
    repository = Repository(places.shadow, variables=_variables(configuration, places, user))
    return Ground(configuration, places, user, repository, token)


def _variables(configuration: Configuration, places: Places, user: UserRepository) -> Mapping[str, str]:
    addresses = [place for place in (configuration.address, configuration.fork) if place is not None]
    access = credentials.configuration(addresses, places.keeper_socket, run.program(), environ={})
    return {**access, "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(user.objects)}
