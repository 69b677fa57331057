#!/usr/bin/env python3
"""Stands for the ngrok agent: started by pyngrok, it really forwards a port.

What it imitates, seen from pyngrok 9.1 and ngrok's documentation of its agent:

- argv is `start --none --log stdout --config FILE`; the token comes from `NGROK_AUTHTOKEN` (or `--authtoken`,
  which a test forbids). `version` prints a version.
- It logs lines of logfmt to standard output: `msg="starting web service" addr=…`,
  `msg="client session established"`, `msg="tunnel session started"`; errors as
  `lvl=eror msg=… err="… ERR_NGROK_n …"`.
- Its API: GET `/api/endpoints`; POST `/api/endpoints` with `{"name", "upstream": {"url"}, "url"?}` answers
  201 and `{"name", "id", "url", "uri"}`, a refusal 400 with `{"error_code", "msg", "details": {"err"}}`;
  DELETE of the `uri` answers 204.

What it does not: TLS, the interstitial page, traffic policies, reconnecting. Its public address is a port on
loopback; requests arrive with the Host header of that address, as with ngrok.

The token says how it behaves: `good`, `wrong` (ERR_NGROK_105), `crowded` (ERR_NGROK_108), `silent` (never a
line), `mute-api` (starts, then never answers a POST), `crash` (ends while starting).
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

REFUSALS = {
    "wrong": "authentication failed: The authtoken you specified is not valid. ERR_NGROK_105",
    "crowded": "authentication failed: Your account is limited to 1 simultaneous agents. ERR_NGROK_108",
}
OWNED = "mine.example"


def log(line: str) -> None:
    sys.stdout.write(f"t=2026-01-01T00:00:00+0000 {line}\n")
    sys.stdout.flush()


def forward(upstream: str) -> int:
    """Forward a fresh loopback port to the upstream's, byte by byte."""
    target = urlsplit(upstream)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            outside, _ = listener.accept()
            inside = socket.create_connection((target.hostname or "127.0.0.1", target.port or 80))
            threading.Thread(target=carry, args=(outside, inside), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def carry(outside: socket.socket, inside: socket.socket) -> None:
    with outside, inside:
        back = threading.Thread(target=pump, args=(inside, outside), daemon=True)
        back.start()
        pump(outside, inside)
        back.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    how = socket.SHUT_WR
    try:
        while block := source.recv(65536):
            sink.sendall(block)
    except OSError:
        how = socket.SHUT_RDWR
    with suppress(OSError):
        sink.shutdown(how)


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    endpoints: dict[str, dict[str, object]] = {}
    mute = False

    def log_message(self, format: str, *args: object) -> None:
        pass

    def answer(self, status: int, body: object = None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.answer(200, {"endpoints": list(self.endpoints.values()), "uri": "/api/endpoints"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        record("asked", asked)
        if self.mute:
            time.sleep(3600)
        domain = asked.get("url", "")
        if domain and OWNED not in domain:
            error = f"failed to start tunnel: {domain} is not reserved for your account. ERR_NGROK_319"
            refusal = {"error_code": 103, "status_code": 400, "msg": "failed", "details": {"err": error}}
            return self.answer(400, refusal)
        port = forward(asked["upstream"]["url"])
        made = {
            "name": asked["name"],
            "id": f"ep_{port}",
            "url": f"http://127.0.0.1:{port}",
            "uri": f"/api/endpoints/{asked['name']}",
        }
        self.endpoints[str(made["uri"])] = made
        return self.answer(201, made)

    def do_DELETE(self) -> None:
        self.endpoints.pop(self.path, None)
        self.answer(204)


def record(name: str, what: object) -> None:
    """Leave what a test looks at beside the configuration: our id and argv, and what was asked last."""
    place = Path(sys.argv[sys.argv.index("--config") + 1])
    (place.parent / f"{name}.json").write_text(json.dumps(what))


def main() -> None:
    if sys.argv[1:2] == ["version"]:
        sys.stdout.write("ngrok version 3.99.0\n")
        return
    record("agent", {"pid": os.getpid(), "argv": sys.argv})
    token = os.environ.get("NGROK_AUTHTOKEN", "")
    if token == "silent":
        time.sleep(3600)
    if token == "crash":
        sys.exit(1)
    if token in REFUSALS:
        log(f'lvl=eror msg="failed to reconnect session" obj=csess err="{REFUSALS[token]}"')
        sys.exit(1)
    Api.mute = token == "mute-api"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    log(f'lvl=info msg="starting web service" obj=web addr=127.0.0.1:{server.server_address[1]}')
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log('lvl=info msg="client session established" obj=tunnels.session')
    log('lvl=info msg="tunnel session started" obj=tunnels.session')
    time.sleep(3600)


if __name__ == "__main__":
    main()
