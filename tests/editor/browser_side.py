"""What a client of the gate sends, byte by byte: no library adds or mends a header here."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from gitsession.editor.gate_process import GateProcess


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        return dict(json.loads(self.body))


def ask(
    port: int,
    method: str = "GET",
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Answer:
    """One request on a connection of its own; `Host` is the gate's unless given."""
    given = {"Host": f"127.0.0.1:{port}", **(headers or {})}
    if body:
        given["Content-Length"] = str(len(body))
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in given.items())
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    with connection, connection.makefile("rb") as reader:
        connection.sendall(head.encode("latin-1") + b"\r\n" + body)
        status = int(reader.readline().split()[1])
        fields: dict[str, str] = {}
        while (line := reader.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            fields[name.lower()] = (
                f"{fields[name.lower()]}\n{value.strip()}" if name.lower() in fields else value.strip()
            )
        length = int(fields.get("content-length", "0"))
        return Answer(status, fields, reader.read(length) if status != 101 else reader.read1(4096))


def origin(port: int) -> str:
    return f"http://127.0.0.1:{port}"


ROUTES = (
    "/",
    "/?folder=/etc",
    "/healthz",
    "/stable-1/static/out/main.js",
    "/vscode-remote-resource?path=/etc/passwd",
    "/proxy/8000/",
    "/mint-key",
    "//x",
    "/%2e%2e/",
    "/.gitsession/other",
)
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def redeem(port: int, ticket: str, headers: Mapping[str, str] | None = None) -> Answer:
    body = json.dumps({"ticket": ticket}).encode()
    given = {"Content-Type": "application/json", "Origin": origin(port), **(headers or {})}
    return ask(port, "POST", "/.gitsession/sign-in", given, body)


def sign_in(gate: GateProcess) -> str:
    """The Cookie header of somebody who followed a fresh link."""
    answer = redeem(gate.port, gate.mint())
    assert answer.status == 204, answer
    return answer.headers["set-cookie"].partition(";")[0]
