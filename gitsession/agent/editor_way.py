"""The way from outside to the editor: chosen, opened, and opened again when it drops."""

from __future__ import annotations

import getpass
import platform
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gitsession.agent.editor_plan import Secrets
from gitsession.editor.back_off import BackOff
from gitsession.editor.supervise import Editor
from gitsession.editor.tunnel.base import Address, Opened, Tunnel
from gitsession.editor.tunnel.choose import Choice, Situation, choose
from gitsession.editor.tunnel.ngrok import Ngrok
from gitsession.editor.tunnel.ngrok import Options as NgrokOptions
from gitsession.editor.tunnel.none import ssh_line
from gitsession.editor.wanted import Wanted
from gitsession.errors import GitsessionError


class Way:
    """One editor's way from outside.

    Args:
        wanted: What the person asked for.
        editor: What it leads to.
        secrets: ngrok's authtoken, empty where there is none, and what ngrok asks for at its end.
        directory: A private folder for ngrok.
        report: Told of each change, in one sentence.
    """

    def __init__(
        self, wanted: Wanted, editor: Editor, secrets: Secrets, directory: Path, report: Callable[[str], None]
    ) -> None:
        self._wanted = wanted
        self._editor = editor
        self._token = secrets.tunnel_token
        self._asked = NgrokOptions(
            wanted.domain, (secrets.tunnel_auth,) if secrets.tunnel_auth else (), wanted.oauth
        )
        self._directory = directory
        self._report = report
        self._opened: Opened | None = None
        self._given = bool(wanted.address)
        self._back_off = BackOff()
        self._again = 0.0
        self._lock = threading.RLock()
        self.trouble = ""
        situation = Situation(wanted.on_colab, wanted.own_machine, bool(self._token))
        self.choice: Choice = choose(wanted.tunnel, situation)
        if wanted.address:
            editor.publish(wanted.address, wanted.host)

    @property
    def is_open(self) -> bool:
        """Whether the editor's address is one that the person's browser reaches."""
        return self._opened is not None or self._given or not self.is_remote

    @property
    def is_remote(self) -> bool:
        """Whether loopback leads nowhere: on Colab there is not even ssh."""
        return self._wanted.on_colab and self._wanted.tunnel != "none"

    def note(self) -> str:
        """What the person should know of it, empty when all is plain."""
        if self.trouble:
            return self.trouble
        if self._opened is not None or self._given:
            return ""
        if self.choice.offers:
            return f"The editor runs; {self.choice.why} (tunnel='{self.choice.offers}'). {self.choice.terms}"
        if self.choice.tunnel == "colab":
            return "Colab's proxy is not open yet: only the notebook can open it."
        asked = self._wanted.tunnel == "none"
        return f"From another machine: {self.ssh()}" if asked or not self._wanted.own_machine else ""

    def ssh(self) -> str:
        """What to type on another machine to reach the editor."""
        port = int(self._editor.local_url().rpartition(":")[2])
        return ssh_line(port, getpass.getuser(), platform.node() or "this-machine")

    def open(self, name: str | None = None, token: str = "") -> None:
        """Open the chosen tunnel, or the named one, to which the person consents by naming it.

        Args:
            name: What to open instead of what was chosen before.
            token: ngrok's authtoken, where it was not known yet.

        Raises:
            EditorError, AuthorisationError: It cannot be opened; says what to do.
        """
        with self._lock:
            self._token = token or self._token
            before = self.choice
            if name is not None:
                self.choice = choose(name, Situation())
            if self.choice.tunnel != "ngrok" and self._opened is not None:
                self._drop("The tunnel was closed, as asked.")
                self.trouble = ""
            if self.choice.tunnel == "ngrok" and self._opened is None:
                self._open_or_go_on_with(before)

    def _open_or_go_on_with(self, before: Choice) -> None:
        """What cannot be opened when it is asked for is not tried again and again."""
        try:
            self._open()
        except GitsessionError:
            self.choice, self.trouble = before, ""
            raise

    def _open(self) -> None:
        try:
            opened = self._tunnel(self._asked).open(_port(self._editor.local_url()))
        except GitsessionError as error:
            self.trouble = f"The tunnel is not open: {error}".replace("\n", " ")
            raise
        self.trouble = ""
        self._opened = opened
        self._editor.publish(opened.address.url, opened.address.host)
        self._report(f"The editor is at {opened.address.url}.")

    def publish(self, address: Address) -> None:
        """Answer under an address that somebody else opened, such as the notebook."""
        self._editor.publish(address.url, address.host)
        self._given = True

    def tend(self) -> None:
        """Open a tunnel that has dropped again, after a pause that grows while it fails."""
        with self._lock:
            self._tend()

    def _tend(self) -> None:
        if self._opened is not None and not self._opened.alive():
            self._drop("The tunnel dropped; it is opened again.")
        wanted = self.choice.tunnel == "ngrok" and self._opened is None
        if wanted and time.monotonic() >= self._again:
            try:
                self._open()
            except GitsessionError:
                self._back_off = self._back_off.after(0.0)
                self._again = time.monotonic() + self._back_off.delay
            else:
                self._back_off = BackOff()

    def second(self, port: int) -> Opened | None:
        """A further tunnel of the same kind, for a port that is exposed; None where there is none.

        Raises:
            EditorError: It cannot be opened; says what to do.
        """
        if self._opened is None:
            return None
        return self._tunnel(replace(self._asked, domain="")).open(port)  # the domain is the editor's own

    def close(self) -> None:
        """Close our own tunnel, and no other."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _drop(self, why: str) -> None:
        self.trouble = why
        self._report(why)
        self._editor.withdraw()
        self.close()

    def _tunnel(self, asked: NgrokOptions) -> Tunnel:
        return Ngrok(self._token, self._directory, asked)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
