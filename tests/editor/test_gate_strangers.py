"""Who gets in and who does not: every way of being a stranger on every route, over HTTP and WebSocket."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator

import pytest

from gitsession import run
from gitsession.editor.gate_process import GateProcess
from gitsession.editor.tickets import COOKIE_LIFETIME, Seal
from tests.editor.browser_side import ROUTES, UPGRADE, ask, origin, redeem, sign_in
from tests.editor.conftest import KEY, Standing
from tests.rig.ngrok_agent import forward
from tests.rig.upstream import SECRET

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS")
OUT = (400, 401, 403, 404, 421)
EVIL = "evil.example"


@pytest.fixture(scope="module", params=["directly", "through a tunnel"])
def port(request: pytest.FixtureRequest, standing: Standing) -> int:
    """Where a client knocks: at the gate itself, or at a tunnel that leads to it."""
    if request.param == "directly":
        return standing.gate.port
    public = forward(standing.gate.url)
    standing.gate.allow(origin(public))
    return public


def wrong(gate: GateProcess, port: int) -> dict[str, dict[str, str]]:
    """Everything that must not open the gate, beside a good cookie, a ticket or nothing."""
    cookie, used = sign_in(gate), gate.mint()
    assert redeem(gate.port, used).status == 204
    old = Seal(bytes.fromhex(KEY)).issue(time.time() - COOKIE_LIFETIME - 60)
    ours = {"Origin": origin(port)}
    cookies = {
        "a forged cookie": "gitsession-t=1700000000.abc.0000",
        "an old cookie": f"gitsession-t={old}",
        "another gate's cookie": cookie.replace("gitsession-t", "gitsession-u"),
        "the cookie twice": f"gitsession-t=1.a.0; {cookie}",
        "a ticket for a cookie": f"gitsession-t={gate.mint()}",
        "a used ticket for a cookie": f"gitsession-t={used}",
    }
    return {
        "no cookie": ours,
        "no cookie and no origin": {},
        **{name: {**ours, "Cookie": value} for name, value in cookies.items()},
        "a wrong origin": {"Origin": f"https://{EVIL}", "Cookie": cookie},
        "an origin with another port": {"Origin": "http://127.0.0.1:1", "Cookie": cookie},
        "an origin with another scheme": {"Origin": f"https://127.0.0.1:{port}", "Cookie": cookie},
        "an origin that only begins right": {"Origin": f"{origin(port)}.{EVIL}", "Cookie": cookie},
        "the null origin": {"Origin": "null", "Cookie": cookie},
        "a spoofed host": {**ours, "Host": EVIL, "Cookie": cookie},
        "a rebound host": {"Origin": f"http://{EVIL}:{port}", "Host": f"{EVIL}:{port}", "Cookie": cookie},
        "a host without its port": {"Origin": "http://127.0.0.1", "Host": "127.0.0.1", "Cookie": cookie},
        "no host": {**ours, "Host": "", "Cookie": cookie},
    }


@pytest.mark.parametrize("kind", [*METHODS, "websocket"])
def test_no_route_gives_anything_to_a_stranger(standing: Standing, port: int, kind: str) -> None:
    before = standing.upstream.reached
    upgrade, method = (UPGRADE, "GET") if kind == "websocket" else ({}, kind)
    for path, (name, headers) in itertools.product(ROUTES, wrong(standing.gate, port).items()):
        answer = ask(port, method, path, {**upgrade, **headers})
        assert answer.status in OUT, (path, name, answer)
        assert SECRET.encode() not in answer.body, (path, name)
    assert standing.upstream.reached == before


@pytest.mark.parametrize("kind", ["POST", "PUT", "DELETE", "PATCH", "websocket"])
def test_what_may_change_something_needs_an_origin(standing: Standing, port: int, kind: str) -> None:
    cookie, before = sign_in(standing.gate), standing.upstream.reached
    upgrade, method = (UPGRADE, "GET") if kind == "websocket" else ({}, kind)
    assert ask(port, method, "/", {**upgrade, "Cookie": cookie}).status == 403
    assert standing.upstream.reached == before
    good = ask(port, method, "/", {**upgrade, "Cookie": cookie, "Origin": origin(port)})
    assert good.status in (101, 200)


def test_a_ticket_in_an_address_opens_nothing(standing: Standing, port: int) -> None:
    before, ticket = standing.upstream.reached, standing.gate.mint()
    for path in (f"/?ticket={ticket}", f"/.gitsession/sign-in?ticket={ticket}"):
        for upgrade in ({}, UPGRADE):
            answer = ask(port, path=path, headers={**upgrade, "Origin": origin(port)})
            assert answer.status in OUT and "set-cookie" not in answer.headers
    assert standing.upstream.reached == before
    assert redeem(port, ticket, {"Origin": origin(port)}).status == 204


@pytest.fixture(scope="module")
def late(standing: Standing) -> Iterator[GateProcess]:
    """A gate whose tickets are stale as soon as they are minted."""
    with standing.another("late", ticket_lifetime=0.0) as gate:
        yield gate


def test_a_stale_ticket_opens_nothing(standing: Standing, late: GateProcess) -> None:
    before = standing.upstream.reached
    public = forward(late.url)
    late.allow(origin(public))
    for port in (late.port, public):
        refused = redeem(port, late.mint(), {"Origin": origin(port)})
        assert (refused.status, "set-cookie" in refused.headers) == (403, False)
        for path, upgrade in itertools.product(ROUTES, ({}, UPGRADE)):
            headers = {**upgrade, "Origin": origin(port), "Cookie": f"gitsession-late={late.mint()}"}
            assert ask(port, path=path, headers=headers).status in OUT
    assert standing.upstream.reached == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
    ],
)
def test_what_another_site_embeds_is_refused(
    standing: Standing, headers: dict[str, str], status: int
) -> None:
    assert ask(standing.gate.port, headers={"Cookie": sign_in(standing.gate), **headers}).status == status


def test_a_ticket_works_once(standing: Standing) -> None:
    ticket = standing.gate.mint()
    first = redeem(standing.gate.port, ticket)
    assert first.status == 204
    attributes = first.headers["set-cookie"].lower()
    assert "httponly" in attributes and "samesite=strict" in attributes and "path=/" in attributes
    second = redeem(standing.gate.port, ticket)
    assert (second.status, "set-cookie" in second.headers) == (403, False)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_ticket_posted_from_elsewhere_is_not_burnt(standing: Standing, headers: dict[str, str]) -> None:
    ticket = standing.gate.mint()
    assert redeem(standing.gate.port, ticket, headers).status in (403, 421)
    assert redeem(standing.gate.port, ticket).status == 204


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"ticket": 1}', b'{"ticket": null}', b"[" * 4000, b'{"a":"\xff"}']
)
def test_a_hostile_form_is_only_refused(standing: Standing, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Origin": origin(standing.gate.port)}
    assert ask(standing.gate.port, "POST", "/.gitsession/sign-in", headers, body).status == 403


def test_a_password_is_tried_a_few_times_a_minute(gate: GateProcess) -> None:
    def attempt(password: str) -> int:
        headers = {"Content-Type": "application/json", "Origin": origin(gate.port)}
        body = json.dumps({"password": password}).encode()
        return ask(gate.port, "POST", "/.gitsession/sign-in", headers, body).status

    assert attempt("open sesame") == 204
    assert [attempt(f"guess {number}") for number in range(6)] == [403] * 6
    assert attempt("open sesame") == 429


STRANGER = r"""
import json, os, socket, sys
os.setgid(65534); os.setuid(65534)
said = []
for place in json.loads(sys.argv[1]):
    family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
    with socket.socket(family) as knocking:
        try:
            knocking.connect(place if isinstance(place, str) else ("127.0.0.1", place))
            knocking.sendall(sys.argv[2].encode())
            said.append(knocking.recv(4096).decode().partition("\r")[0])
        except PermissionError:
            said.append("out")
print(json.dumps(said))
"""


@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0, reason="becoming another user needs root")
def test_another_local_user_gets_nothing(standing: Standing, port: int) -> None:
    before = standing.upstream.reached
    standing.directory.chmod(0o755)  # so that the sockets' own modes are tried
    for upgrade in ({}, UPGRADE):
        headers = {"Host": f"127.0.0.1:{port}", "Origin": origin(port), **upgrade}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        places = json.dumps([str(standing.directory / "t.sock"), port])
        argv = ("python3", "-c", STRANGER, places, f"GET / HTTP/1.1\r\n{head}\r\n")
        done = run.run(argv, timeout=30, env=run.clean_environment())
        assert json.loads(done.stdout) == ["out", "HTTP/1.1 401 Unauthorized"], done.stderr
    assert standing.upstream.reached == before
