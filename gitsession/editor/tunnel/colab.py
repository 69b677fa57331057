"""Colab's own port proxy: authenticated by Google, offered only after a probe from the person's browser.

WebSockets through it are reported missing (googlecolab/colabtools#2529, #4270) and POST refused (#3925,
#4323), so both are tried. Only the browser can try: the proxy asks for Google's cookies. The probe goes to a
small server of its own, never to the editor's gate, since it must answer a foreign origin.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from gitsession.editor.tunnel.base import Address
from gitsession.errors import EditorError
from gitsession.runtime import Colab, detect

PROBE_SECONDS = 8
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_PROBE = """
(async () => {
  const url = %s, limit = %d;
  const within = (promise) => Promise.race([promise,
    new Promise((resolve) => setTimeout(() => resolve(false), limit * 1000))]);
  const post = within(fetch(url, {method: "POST", credentials: "include", body: "probe"})
    .then(async (answer) => answer.ok && (await answer.text()) === "probe").catch(() => false));
  const socket = within(new Promise((resolve) => {
    const open = new WebSocket(url.replace(/^http/, "ws"));
    open.onopen = () => { open.close(); resolve(true); };
    open.onerror = () => resolve(false);
  }));
  return {post: await post, websocket: await socket};
})()
"""


def probe_script(url: str) -> str:
    """JavaScript that answers `{"post": bool, "websocket": bool}` within `PROBE_SECONDS`."""
    return _PROBE % (json.dumps(url), PROBE_SECONDS)


class ProbeServer:
    """Answers the probe on a free loopback port: echoes a POST, accepts a WebSocket; holds nothing secret."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Probe)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="probe", daemon=True)

    def __enter__(self) -> ProbeServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Probe(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = PROBE_SECONDS

    def log_message(self, format: str, *args: object) -> None:
        """Silent: nobody reads it."""

    def _cors(self) -> None:
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "null"))
        self.send_header("Access-Control-Allow-Credentials", "true")

    def do_POST(self) -> None:
        """Echo at most a few bytes."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 64))
        self.send_response(200)
        self._cors()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Accept a WebSocket, then close it."""
        accept = hashlib.sha1((self.headers.get("Sec-WebSocket-Key", "") + _MAGIC).encode()).digest()
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
        self.end_headers()
        self.wfile.write(b"\x88\x00")  # a close frame without a code
        self.close_connection = True


@dataclass(frozen=True)
class OpenedProxy:
    """Colab's proxy in front of one port; it stands while the notebook's tab is open."""

    address: Address

    def alive(self) -> bool:
        """Not known here: only the browser sees it."""
        return True

    def close(self) -> None:
        """Nothing to close: the proxy lets go when the port does."""


@dataclass(frozen=True)
class ColabProxy:
    """Colab's port proxy.

    Args:
        port_url: Asks the notebook for the proxy's address of a port.
        evaluate: Runs JavaScript in the notebook's page and answers with its value.
        host: Makes the Host header that requests arrive with, from the port.
    """

    port_url: Callable[[int], str]
    evaluate: Callable[[str], Any]
    host: Callable[[int], str] = "localhost:{}".format
    name: str = "colab"

    @classmethod
    def of(cls, runtime: Colab) -> ColabProxy:
        """The proxy of this Colab; only a notebook's cell can ask for it."""
        return cls(lambda port: runtime.port_url(port) or "", runtime.evaluate)

    def probe(self) -> Mapping[str, bool] | None:
        """Whether POST and WebSockets pass: `{"post": …, "websocket": …}`; None where no page answers."""
        with ProbeServer() as server:
            answer = self.evaluate(probe_script(self.port_url(server.port)))
        if not isinstance(answer, dict):
            return None
        return {what: answer.get(what) is True for what in ("post", "websocket")}

    def open(self, port: int) -> OpenedProxy:
        """The proxy's address of the port, once the probe has passed.

        Raises:
            EditorError: What an editor needs does not pass through it.
        """
        seen = self.probe()
        if seen is None:
            raise EditorError(
                "No Colab page answered, so its proxy could not be tried.",
                hint="Run it in a cell with the notebook open in the browser, or use tunnel='ngrok'.",
            )
        missing = [what for what, passes in seen.items() if not passes]
        if missing:
            raise EditorError(
                f"Colab's proxy does not pass {' and '.join(missing)}, which an editor needs.",
                hint="Use tunnel='ngrok'.",
            )
        url = self.port_url(port)
        if urlsplit(url).scheme != "https":
            raise EditorError("Colab gave no address for the port.", hint="Use tunnel='ngrok'.")
        return OpenedProxy(Address(url, self.host(port)))


def address_of(port: int) -> Address:
    """Where Colab's proxy reaches a port of this machine; only a cell of the notebook can ask.

    Raises:
        EditorError: This is not Colab, no page answers, or what an editor needs does not pass.
    """
    runtime = detect(os.environ)
    if not isinstance(runtime, Colab):
        raise EditorError("Colab's proxy is on Colab only.", hint="Use tunnel='ngrok'.")
    return ColabProxy.of(runtime).open(port).address
