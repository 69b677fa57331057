"""What is examined: one machine, and the repository and storage that a session there would have."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gitsession.address import Address
from gitsession.credentials import Token
from gitsession.errors import AuthorisationError, GitsessionError
from gitsession.resume.account import is_github
from gitsession.resume.unseen import unseen
from gitsession.runtime import Runtime

if TYPE_CHECKING:
    from gitsession.hub import Hub, Repository, TokenFacts

INOTIFY_LIMITS = Path("/proc/sys/fs/inotify")


@dataclass
class Case:
    """One examination; what GitHub says is asked once.

    Args:
        runtime: The kind of machine.
        environ: Its environment.
        worktree: Where the work tree is or would be.
        home: The folder of our local state.
        cache: Where the editor's installations lie.
        address: The repository; None where none was named and one stands in none.
        storage: The vault's folder, None for no vault, or the error that says why it cannot be had.
        token: What a session would use.
        token_trouble: Why the platform gave none.
        own_machine: The person sits at this machine.
        now: The clock.
        inotify_limits: Where the kernel tells its limits on watching files.
    """

    runtime: Runtime
    environ: Mapping[str, str]
    worktree: Path
    home: Path
    cache: Path
    address: Address | None = None
    storage: Path | GitsessionError | None = None
    token: Token | None = field(default=None, repr=False)
    token_trouble: AuthorisationError | None = None
    own_machine: bool = True
    now: Callable[[], float] = time.time
    inotify_limits: Path = INOTIFY_LIMITS

    @property
    def github(self) -> Address | None:
        """The repository, where its server is GitHub."""
        return self.address if self.address is not None and is_github(self.address, self.environ) else None

    @cached_property
    def hub(self) -> Hub:
        """GitHub, as this token sees it."""
        from gitsession.hub import Hub, api_url

        assert self.github is not None
        return Hub(lambda: self.token, api_url(self.github.host, self.environ))

    @cached_property
    def account(self) -> TokenFacts:
        """What GitHub says of the token.

        Raises:
            GitsessionError: It refuses the token, or does not answer.
        """
        return self.hub.token_facts()

    @cached_property
    def hosted(self) -> Repository:
        """What GitHub says of the repository.

        Raises:
            GitsessionError: It is not there for this token, or GitHub does not answer.
        """
        assert self.github is not None
        found = self.hub.find_repository(self.github)
        if found is None:
            raise unseen(self.hub, self.github, self.account)
        return found
