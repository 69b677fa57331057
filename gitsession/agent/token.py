"""The token in memory: who asks for it gets it or nothing, and the user's own command may know another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from gitsession import credentials
from gitsession.address import Address
from gitsession.agent import control
from gitsession.agent.control import Operation, Request
from gitsession.agent.log import Log
from gitsession.credentials import Token
from gitsession.errors import GitsessionError, UsageError


def credential_operation(
    address: Address, fork: Address | None, token: Callable[[], Token | None]
) -> Operation:
    """The operation that answers git's credential helper: a user name and a password, or nothing."""

    def answer(request: Request) -> Mapping[str, Any]:
        try:
            asked = credentials.parse(request.text("request").encode("latin-1"))
        except UnicodeEncodeError:
            raise UsageError("The request is not latin-1.", hint=control.ASKER) from None
        return credentials.answer(asked, address, fork, token()) or {}

    return answer


class HeldToken:
    """A token in memory; safe to use from several threads.

    Args:
        token: What `open` handed over.
        command: The user's own command that prints one.
        log: Never shows one.
    """

    def __init__(self, token: str | None, command: str | None, log: Log) -> None:
        self.now = Token.parse(token, "open") if token else None
        self._command = command
        self._log = log

    @property
    def text(self) -> str | None:
        """The token itself; None without one."""
        return self.now.reveal() if self.now is not None else None

    def find(self) -> None:
        """Ask the user's own command where there is none yet."""
        if self.now is None and self._command:
            self._take(self._asked(self._command))

    def set(self, token: str | None) -> None:
        """Take what the person gave."""
        self._take(Token.parse(token, "the caller") if token else None)

    def renew(self, done: Callable[[], None]) -> bool:
        """Ask the user's own command for another one, on a thread of its own; False where there is none.

        Args:
            done: Called when it had another.
        """
        command = self._command
        if command:
            threading.Thread(target=self._renew, args=(command, done), name="renew", daemon=True).start()
        return bool(command)

    def _renew(self, command: str, done: Callable[[], None]) -> None:
        found = self._asked(command)
        if found is not None and found.reveal() != self.text:
            self._take(found)
            done()

    def _take(self, token: Token | None) -> None:
        self.now = token
        self._log.hide(self.text)

    def _asked(self, command: str) -> Token | None:
        try:
            return credentials.from_command(command)
        except GitsessionError as error:
            self._log.failure("token command failed", error)
            return None
