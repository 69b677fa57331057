"""A fresh link to the editor by a click in JupyterLab and Notebook 7, where no page calls a kernel.

The button asks the kernel for one over the WebSocket of the Jupyter server that the page comes from, in the
form of Jupyter's messaging specification (`execute_request` with `user_expressions`): the answer goes to that
page alone and is in no output. Where there is no such server (VS Code, GitHub, a viewer) it stays hidden.
"""

from __future__ import annotations

import json
import secrets
from importlib import import_module
from pathlib import Path
from typing import Any

from gitsession.agent import control
from gitsession.session import Session

_LINK = "get_ipython()._gitsession.session.url or ''"  # as `attach` leaves it on the shell
_BUTTON = """<div id="%(place)s" hidden><button>Open the editor</button> <span role="status"></span></div>
<script>(() => {
  const place = document.getElementById("%(place)s"), page = document.getElementById("jupyter-config-data");
  if (!place || !page) return;
  const [button, said] = place.children;
  const id = () => Math.random().toString(16).slice(2);
  const ask = () => new Promise((resolve, reject) => {
    const path = JSON.parse(page.textContent).baseUrl + "api/kernels/%(kernel)s/channels";
    const socket = new WebSocket(new URL(path, location.href).href.replace(/^http/, "ws"));
    const header = {msg_id: id(), session: id(), username: "", msg_type: "execute_request", version: "5.3"};
    const late = setTimeout(() => socket.close(), 5000);
    socket.onopen = () => socket.send(JSON.stringify({header, parent_header: {}, metadata: {}, buffers: [],
      channel: "shell", content: {code: "", silent: true, store_history: false, allow_stdin: false,
      stop_on_error: false, user_expressions: {link: %(link)s}}}));
    socket.onmessage = ({data}) => {
      const {msg_type, parent_header, content} = typeof data === "string" ? JSON.parse(data) : {};
      if (msg_type !== "execute_reply" || parent_header.msg_id !== header.msg_id) return;
      const {link} = content.user_expressions || {};
      resolve(link && link.status === "ok" ? link.data["text/plain"].replaceAll("'", "") : "");
      clearTimeout(late);
      socket.close();
    };
    socket.onclose = () => reject();
  });
  button.onclick = async () => {
    const beside = window.open("", "_blank");
    said.textContent = "";
    try {
      const link = await ask();
      if (!link.startsWith("http")) throw link;
      beside.location = link;
    } catch {
      if (beside) beside.close();
      said.textContent = %(sorry)s;
    }
  };
  place.hidden = false;
})();</script>"""
SORRY = (
    "No link came: this kernel is busy or gone, or the editor is not up."
    " `gitsession attach` in a terminal, or `session.url` in a cell, gives one."
)


def offer(shell: Any, session: Session) -> None:
    """Show the button below the card, where the editor has an address; it holds no ticket.

    Args:
        shell: The IPython shell.
        session: The running session.

    Raises:
        AgentError: The session does not answer.
    """
    kernel = _kernel(shell)
    said = control.ask(session.places.agent_socket, "editor")["editor"]
    if kernel is None or said is None or said["url"] is None:
        return
    drawn = {
        "place": f"gitsession-{secrets.token_hex(8)}",
        "kernel": kernel,
        "link": json.dumps(_LINK),
        "sorry": json.dumps(SORRY),
    }
    shell.display_pub.publish(data={"text/html": _BUTTON % drawn, "text/plain": ""})


def _kernel(shell: Any) -> str | None:
    """The kernel's name at its Jupyter server; None in a terminal."""
    if getattr(shell, "kernel", None) is None:
        return None
    name = Path(import_module("ipykernel.connect").get_connection_file()).stem
    return name.removeprefix("kernel-")
