from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsession import run
from gitsession.editor.gate_process import GateProcess
from gitsession.editor.tunnel.ngrok import Ngrok, Options, find_token, translated
from gitsession.errors import AuthorisationError, EditorError
from tests.editor.browser_side import UPGRADE, ask, redeem
from tests.rig import ngrok_agent
from tests.rig.upstream import SECRET, Upstream

Make = Callable[..., Ngrok]


@pytest.fixture
def ngrok(sealed: Path) -> Make:
    """ngrok with a token for the substitute agent, which is made a program of its own name."""
    binary = sealed / "ngrok"
    binary.write_text(f'#!/bin/sh\nexec {sys.executable} {ngrok_agent.__file__} "$@"\n')
    binary.chmod(0o755)

    def make(token: str, options: Options | None = None) -> Ngrok:
        return Ngrok(token, sealed / "tunnel", options or Options(), binary, timeout=30)

    return make


def gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while run.is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def agent(sealed: Path) -> tuple[int, list[str]]:
    record = json.loads((sealed / "tunnel/agent.json").read_text())
    return int(record["pid"]), list(record["argv"])


def test_a_tunnel_leads_through_the_gate(ngrok: Make, gate: GateProcess, sealed: Path) -> None:
    tunnel = ngrok("good").open(gate.port)
    try:
        port = int(tunnel.address.url.rpartition(":")[2])
        public = {"Origin": tunnel.address.url}
        assert ask(port).status == 421
        gate.allow(tunnel.address.url)
        cookie = redeem(port, gate.mint(), public).headers["set-cookie"].partition(";")[0]
        assert ask(port, headers={"Cookie": cookie}).json()["secret"] == SECRET
        assert ask(port, headers={**UPGRADE, **public, "Cookie": cookie}).status == 101
    finally:
        tunnel.close()
    gone(agent(sealed)[0])


def test_no_stranger_comes_in_through_the_tunnel(ngrok: Make, gate: GateProcess, upstream: Upstream) -> None:
    tunnel = ngrok("good").open(gate.port)
    try:
        gate.allow(tunnel.address.url)
        port = int(tunnel.address.url.rpartition(":")[2])
        for headers in ({}, {"Cookie": "gitsession-t=1.2.3"}, {"Origin": "https://evil.example"}):
            for kind in ({}, UPGRADE):
                assert ask(port, headers={**kind, **headers}).status in (401, 403)
        assert upstream.reached == 0
    finally:
        tunnel.close()


def test_the_token_is_never_on_a_command_line_nor_in_a_file(ngrok: Make, sealed: Path) -> None:
    token = "good"
    tunnel = ngrok(token).open(9)
    try:
        pid, argv = agent(sealed)
        assert argv[1:] == [
            "start",
            "--none",
            "--log",
            "stdout",
            "--config",
            str(sealed / "tunnel/ngrok.yml"),
        ]
        holder = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert token.encode() not in Path(f"/proc/{holder}/cmdline").read_bytes()
        assert b"good" not in (sealed / "tunnel/ngrok.yml").read_bytes()
        assert "NGROK_AUTHTOKEN" not in os.environ
    finally:
        tunnel.close()


@pytest.mark.parametrize(
    ("token", "kind", "words"),
    [
        ("wrong", AuthorisationError, "refused the authtoken .*105"),
        ("crowded", EditorError, "as many agents .*108"),
        ("crash", EditorError, "could not be started"),
        ("", AuthorisationError, "needs an authtoken"),
    ],
)
def test_a_refusal_says_what_to_do(ngrok: Make, token: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        ngrok(token).open(9)


def test_a_domain_that_is_not_ours_is_said(ngrok: Make) -> None:
    with pytest.raises(EditorError, match="not yours"):
        ngrok("good", Options(domain="theirs.example")).open(9)


@pytest.mark.parametrize("token", ["silent", "mute-api"])
def test_an_agent_without_an_answer_is_given_up(ngrok: Make, sealed: Path, token: str) -> None:
    given = ngrok(token)
    with pytest.raises(EditorError, match="did not answer"):
        Ngrok(given.token, given.directory, given.options, given.binary, timeout=3).open(9)
    gone(agent(sealed)[0])


def test_an_agent_that_is_killed_is_seen(ngrok: Make, sealed: Path) -> None:
    tunnel = ngrok("good").open(9)
    assert tunnel.alive()
    os.kill(agent(sealed)[0], signal.SIGKILL)
    while tunnel.alive():
        pass
    tunnel.close()


def test_another_agent_is_left_alone(ngrok: Make, sealed: Path) -> None:
    first = ngrok("good").open(9)
    other = agent(sealed)[0]
    ngrok("good").open(9).close()
    try:
        assert first.alive() and run.is_alive(other)
    finally:
        first.close()


def test_options_become_what_the_agent_is_asked() -> None:
    asked = Options("mine.example", ("ada:engine",), "google").fields()
    assert asked["url"] == "https://mine.example"
    kinds = [
        action["type"] for action in json.loads(str(asked["traffic_policy"]))["on_http_request"][0]["actions"]
    ]
    assert kinds == ["basic-auth", "oauth"]
    assert "engine" not in repr(Ngrok("t0ken", Path(), Options(basic_auth=("ada:engine",))))
    assert "t0ken" not in repr(Ngrok("t0ken", Path()))


def test_an_unknown_code_leads_to_its_page() -> None:
    assert "err_ngrok_9999" in translated("oh: ERR_NGROK_9999").hint


def test_the_token_is_found_in_order() -> None:
    assert find_token("a", {"NGROK_AUTHTOKEN": "b"}) == "a"
    assert find_token(None, {"NGROK_AUTHTOKEN": "b"}) == "b"
    assert find_token(None, {}) == ""
