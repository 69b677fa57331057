from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import signal
import socket
from pathlib import Path

import aiohttp
import pytest

from gitsession.editor.gate_process import GateProcess
from gitsession.errors import EditorError
from tests.editor.browser_side import UPGRADE, ask, origin, redeem, sign_in
from tests.rig.upstream import SECRET, Upstream


def test_the_page_stands_alone(gate: GateProcess) -> None:
    page = ask(gate.port, headers={"Accept": "text/html"})
    text = page.body.decode()
    assert (page.status, page.headers["cache-control"]) == (401, "no-store")
    assert not re.search(r"(src|href)\s*=|url\(|@import", text)
    policy = page.headers["content-security-policy"]
    for tag in ("style", "script"):
        content = re.search(f"<{tag}>(.*)</{tag}>", text, re.DOTALL)
        assert content is not None
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_upstream_never_sees_our_cookie_nor_forged_forwarding(gate: GateProcess) -> None:
    headers = {
        "Cookie": f"theirs=1; {sign_in(gate)}; gitsession-other=2",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-For": "10.0.0.1",
        "Connection": "close, X-Drop",
        "X-Drop": "1",
    }
    answer = ask(gate.port, path="/a%2Fb?c=%20d", headers=headers).json()
    seen = answer["headers"]
    assert isinstance(seen, dict)
    assert seen["cookie"] == "theirs=1"
    assert (answer["path"], seen["host"]) == ("/a%2Fb?c=%20d", f"127.0.0.1:{gate.port}")
    assert seen["x-forwarded-host"] == f"127.0.0.1:{gate.port}"
    assert "x-forwarded-for" not in seen and "x-drop" not in seen


def test_upstream_cannot_set_our_cookie(gate: GateProcess) -> None:
    answer = ask(gate.port, path="/sets-cookies", headers={"Cookie": sign_in(gate)})
    assert answer.headers["set-cookie"] == "theirs=1"


def test_hop_by_hop_headers_end_here(gate: GateProcess) -> None:
    answer = ask(gate.port, headers={"Cookie": sign_in(gate)})
    assert "keep-alive" not in answer.headers and answer.headers["x-theirs"] == "yes"


def test_a_large_upload_is_streamed(gate: GateProcess) -> None:
    body = os.urandom(1 << 20) * 30
    headers = {"Cookie": sign_in(gate), "Origin": origin(gate.port)}
    answer = ask(gate.port, "POST", "/upload", headers, body)
    assert answer.json()["sha256"] == hashlib.sha256(body).hexdigest()


def test_an_answer_is_passed_on_as_it_comes(gate: GateProcess) -> None:
    cookie = sign_in(gate)
    connection = socket.create_connection(("127.0.0.1", gate.port), timeout=10)
    with connection:
        connection.sendall(
            f"GET /stream HTTP/1.1\r\nHost: 127.0.0.1:{gate.port}\r\nCookie: {cookie}\r\n\r\n".encode()
        )
        seen = b""
        while b"first" not in seen:
            seen += connection.recv(4096)
        assert b"second" not in seen
        ask(gate.port, headers={"Cookie": cookie})
        while b"second" not in seen:
            seen += connection.recv(4096)


def test_a_websocket_carries_text_bytes_and_close_codes(gate: GateProcess, upstream: Upstream) -> None:
    headers = {"Cookie": sign_in(gate), "Origin": origin(gate.port)}
    big = os.urandom(3 << 20)

    async def talk() -> int | None:
        url = f"ws://127.0.0.1:{gate.port}/x"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, headers=headers, protocols=("editor",), max_msg_size=0) as client,
        ):
            assert client.protocol == "editor"
            assert await client.receive_str() == SECRET
            await client.send_str("grüße")
            assert await client.receive_str() == "grüße"
            await client.send_bytes(big)
            assert await client.receive_bytes() == big
            await client.ping()
            await client.send_str("close 4001")
            await client.receive()
            return client.close_code

    assert asyncio.run(talk()) == 4001


def test_a_browser_that_leaves_is_seen_behind_the_gate(gate: GateProcess, upstream: Upstream) -> None:
    headers = {"Cookie": sign_in(gate), "Origin": origin(gate.port)}

    async def leave() -> None:
        async with aiohttp.ClientSession() as session:
            client = await session.ws_connect(f"ws://127.0.0.1:{gate.port}/x", headers=headers)
            await client.close(code=4002)
        while not upstream.close_codes:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(leave(), 10))
    assert upstream.close_codes == [4002]


def test_a_tunnel_is_answered_only_while_it_is_allowed(gate: GateProcess) -> None:
    tunnel = {"Host": "a.example", "Origin": "https://a.example"}
    ticket = gate.mint()
    assert redeem(gate.port, ticket, tunnel).status == 421
    gate.allow("https://a.example")
    signed_in = redeem(gate.port, ticket, tunnel)
    assert signed_in.status == 204 and "secure" in signed_in.headers["set-cookie"].lower()
    assert redeem(gate.port, gate.mint(), {**tunnel, "Origin": "http://a.example"}).status == 403
    gate.forget("https://a.example")
    assert redeem(gate.port, gate.mint(), tunnel).status == 421


def test_a_proxy_that_rewrites_the_host_keeps_its_exact_origin(gate: GateProcess) -> None:
    gate.allow("https://b.example", host="localhost:8080")
    headers = {"Host": "localhost:8080", "Origin": "https://b.example"}
    cookie = redeem(gate.port, gate.mint(), headers).headers["set-cookie"].partition(";")[0]
    seen = ask(gate.port, "POST", "/", {**headers, "Cookie": cookie}).json()["headers"]
    assert isinstance(seen, dict) and seen["host"] == "b.example"
    assert (
        ask(gate.port, "POST", "/", {**headers, "Cookie": cookie, "Origin": "http://localhost:8080"}).status
        == 403
    )


def test_nothing_behind_the_gate_is_a_page_that_waits(gate: GateProcess, upstream: Upstream) -> None:
    cookie = sign_in(gate)
    upstream.socket.unlink()
    answer = ask(gate.port, headers={"Cookie": cookie, "Accept": "text/html"})
    assert (answer.status, b"starting" in answer.body) == (502, True)
    upgrade = {**UPGRADE, "Cookie": cookie, "Origin": origin(gate.port)}
    assert ask(gate.port, headers=upgrade).status == 502


def test_a_killed_gate_comes_back_with_its_port_its_tunnel_and_its_guests(gate: GateProcess) -> None:
    cookie, port = sign_in(gate), gate.port
    gate.allow("https://a.example")
    os.kill(gate.pid(), signal.SIGKILL)
    while gate.is_running():
        pass
    gate.start()
    assert gate.port == port
    assert ask(port, headers={"Cookie": cookie}).status == 200
    assert ask(port, headers={"Cookie": cookie, "Host": "a.example"}).status == 200


def test_the_control_socket_is_private(gate: GateProcess, sealed: Path) -> None:
    assert (sealed / "g.sock").stat().st_mode & 0o777 == 0o600


def test_nothing_secret_is_on_its_command_line_or_in_its_environment(gate: GateProcess) -> None:
    process = Path(f"/proc/{gate.pid()}")
    for place in ("cmdline", "environ"):
        assert b"sesame" not in (process / place).read_bytes()


def test_a_named_port_that_is_taken_says_by_whom(sealed: Path, upstream: Upstream) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = GateProcess(
            sealed / "h.sock", {"socket": str(upstream.socket)}, sealed / "log", name="h", port=port
        )
        with pytest.raises(EditorError, match=rf"Port {port} is taken by .*\(pid {os.getpid()}\)"):
            refused.start()
        with socket.create_connection(("127.0.0.1", port)):
            pass
