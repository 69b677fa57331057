"""The editor's way out of Colab: offered below the card with its terms, opened by a click."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from html import escape
from importlib import import_module
from typing import Any

from gitsession.agent import control
from gitsession.editor.tunnel.colab import address_of
from gitsession.errors import AuthorisationError, EditorError, GitsessionError
from gitsession.runtime import detect
from gitsession.session import Session

TUNNEL_SECRET = "NGROK_AUTHTOKEN"
OPEN_TIMEOUT = 90.0
CALLBACK = "gitsession.open_tunnel"
FRESH = "fresh"
AGAIN = {FRESH: "Open the editor"}
WAYS = {"colab": "Open the editor through Colab's own proxy", "ngrok": "Open the editor through ngrok"}
# The window is opened within the click, before the answer: browsers block one that comes later.
_BUTTON = """<button onclick="(async () => {
  const beside = window.open('', '_blank');
  const said = await google.colab.kernel.invokeFunction('%s', ['%s'], {});
  const url = said.data['application/json'].url;
  if (url) { beside.location = url; } else { beside.close(); }
})()">%s</button>"""


def open_tunnel(session: Session, name: str) -> str | None:
    """Open a way to the editor, to which the person consents by naming it; answers with a fresh link.

    Args:
        session: The running session.
        name: `ngrok`; or `colab` for Colab's own proxy, which is probed first for what an editor needs.

    Raises:
        EditorError, AuthorisationError: It cannot be opened; says what to do.
    """
    if name != "colab":
        token = _token(detect(os.environ))
        control.ask(session.places.agent_socket, "editor", timeout=OPEN_TIMEOUT, tunnel=name, token=token)
        return session.url
    local = control.ask(session.places.agent_socket, "editor")["local"]
    if local is None:
        raise EditorError("The editor is not up.", hint="`%gitsession status` says when it is.")
    address = address_of(int(local.rpartition(":")[2]))
    control.ask(session.places.agent_socket, "editor", tunnel="colab", url=address.url, host=address.host)
    return session.url


def _token(runtime: Any) -> str | None:
    """The authtoken, where it was not there yet when the session was opened."""
    if named := os.environ.get(TUNNEL_SECRET):
        return named
    try:
        secret: str | None = runtime.secret(TUNNEL_SECRET)
    except AuthorisationError:
        return None
    return secret


class Offer:
    """What stands below the card while the editor has no way out: the terms, and a button for each way.

    No link with a ticket is ever in the output, which is saved with the notebook: a click asks for one.

    Args:
        shell: The IPython shell.
        session: The session, whose editor runs.
    """

    def __init__(self, shell: Any, session: Session) -> None:
        self._shell = shell
        self._session = session
        self._name = f"gitsession-{secrets.token_hex(8)}"

    def show(self) -> None:
        """Open what was named already; else offer what there is: ways out, or a fresh link to an open one."""
        said = control.ask(self._session.places.agent_socket, "editor")
        if said["editor"] is None:
            return
        is_open = said["editor"]["url"] is not None
        named = said["tunnel"] == "colab" and not is_open
        if not (named or is_open or said["offers"]):
            return
        import_module("google.colab.output").register_callback(CALLBACK, self.clicked)
        self._publish(said["terms"], AGAIN if is_open else WAYS, update=False)
        if named:
            self.clicked("colab")

    def clicked(self, name: str) -> Any:
        """What a button calls, on the kernel's main thread; answers the page with `{"url": link or null}`."""
        try:
            link = self._session.url if name == FRESH else open_tunnel(self._session, name)
        except GitsessionError as error:
            self._publish(str(error), WAYS, update=True)
            link = None
        else:
            self._publish("", AGAIN, update=True)
        return import_module("IPython.display").JSON({"url": link})

    def _publish(self, said: str, ways: Mapping[str, str], *, update: bool) -> None:
        buttons = " ".join(_BUTTON % (CALLBACK, name, escape(words)) for name, words in ways.items())
        self._shell.display_pub.publish(
            data={"text/html": f"<p>{escape(said)}</p><p>{buttons}</p>", "text/plain": said},
            transient={"display_id": self._name},
            update=update,
        )
