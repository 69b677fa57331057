from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gitsession import errors
from gitsession.agent import control
from gitsession.agent.control import Request, Server, ask
from gitsession.errors import AgentError, Bug, GitsessionError, NotSafeYet, UsageError

reported: list[Exception] = []
released = threading.Event()


def echo(request: Request) -> Mapping[str, Any]:
    return {"fields": dict(request.fields)}


def typed(request: Request) -> Mapping[str, Any]:
    return {
        "text": request.text("text"),
        "number": request.number("number", 1.0, most=10.0),
        "flag": request.flag("flag", False),
        "texts": request.texts("texts"),
    }


def unsafe(request: Request) -> Mapping[str, Any]:
    raise NotSafeYet("Two files wait.", safe="They are on this machine.", hint="Try again.")


def broken(request: Request) -> Mapping[str, Any]:
    raise RuntimeError("a mistake")


def slow(request: Request) -> Mapping[str, Any]:
    released.wait(30)
    return {}


@pytest.fixture
def server(sealed: Path) -> Iterator[Path]:
    reported.clear()
    released.clear()
    path = sealed / "c.sock"
    operations = {"echo": echo, "typed": typed, "unsafe": unsafe, "broken": broken, "slow": slow}
    listening = Server(path, operations, reported.append)
    listening.start()
    yield path
    released.set()
    listening.stop()


def raw(path: Path, content: bytes) -> list[dict[str, Any]]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as replies:
            return [json.loads(line) for line in replies]


def test_where_no_thread_can_be_had_requests_are_answered_in_turn(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "client":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for number in range(control.MAX_CLIENTS + 1):
        assert ask(server, "echo", number=number)["fields"] == {"number": number}


def test_a_request_is_answered(server: Path) -> None:
    assert ask(server, "echo", a=1, b="ü\udcff\n")["fields"] == {"a": 1, "b": "ü\udcff\n"}


def test_the_socket_is_private(server: Path) -> None:
    assert server.stat().st_mode & 0o777 == 0o600


def test_one_connection_carries_many_requests(server: Path) -> None:
    replies = raw(server, b'{"op": "echo", "n": 1}\n{"op": "echo", "n": 2}\n')
    assert [reply["fields"]["n"] for reply in replies] == [1, 2]


def test_an_error_arrives_as_the_same_class_with_the_same_words(server: Path) -> None:
    with pytest.raises(NotSafeYet) as caught:
        ask(server, "unsafe")
    error = caught.value
    assert (error.what, error.safe, error.hint) == (
        "Two files wait.",
        "They are on this machine.",
        "Try again.",
    )


def test_every_error_of_the_tree_can_travel() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GitsessionError)
    ]
    for kind in kinds:
        back = control.error_from_json(control.error_to_json(kind("What.", safe="Safe.", hint="Hint.")))
        assert type(back) is kind
        assert str(back) == "What.\nSafe.\nHint."


def test_an_error_of_a_newer_version_still_says_its_words() -> None:
    back = control.error_from_json({"kind": "FutureError", "what": "What."})
    assert type(back) is GitsessionError
    assert back.what == "What."


def test_a_mistake_of_ours_is_reported_and_does_not_end_the_server(server: Path) -> None:
    with pytest.raises(Bug):
        ask(server, "broken")
    assert [str(error) for error in reported] == ["a mistake"]
    assert ask(server, "echo")["fields"] == {}


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"[]",
        b"{}",
        b'{"op": 3}',
        b'{"op": "nothing"}',
        b'{"op": "' + b"x" * 10_000 + b'"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"op": "typed", "text": 1}',
        b'{"op": "typed", "text": "", "number": -1}',
        b'{"op": "typed", "text": "", "number": NaN}',
        b'{"op": "typed", "text": "", "number": true}',
        b'{"op": "typed", "text": "", "flag": "yes"}',
        b'{"op": "typed", "text": "", "texts": [1]}',
    ],
)
def test_hostile_requests_get_an_error_and_the_next_one_an_answer(server: Path, line: bytes) -> None:
    refused, answered = raw(server, line + b'\n{"op": "echo"}\n')
    assert refused["ok"] is False
    assert refused["error"]["kind"] == "UsageError"
    assert answered["ok"] is True
    assert reported == []


def test_a_request_without_end_is_cut(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MAX_REQUEST", 1000)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(server))
        with pytest.raises(OSError):
            for _ in range(10_000):
                connection.sendall(b"x" * control.MAX_REQUEST)


def test_numbers_are_clipped(server: Path) -> None:
    assert ask(server, "typed", text="", number=1e300)["number"] == 10.0


def test_others_are_answered_while_one_waits(server: Path) -> None:
    waiting = threading.Thread(target=ask, args=(server, "slow"), kwargs={"timeout": 30})
    waiting.start()
    assert ask(server, "echo", a=1)["fields"] == {"a": 1}
    released.set()
    waiting.join()


def test_a_slow_answer_is_an_agent_error(server: Path) -> None:
    with pytest.raises(AgentError, match="did not answer"):
        ask(server, "slow", timeout=0.05)


def test_nobody_listening_is_an_agent_error(sealed: Path) -> None:
    with pytest.raises(AgentError, match="No background process"):
        ask(sealed / "none.sock", "echo")


def test_too_many_clients_are_told_so(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = []
    for _ in range(control.MAX_CLIENTS):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(20)
        connection.connect(str(server))
        connection.sendall(b'{"op": "echo"}\n')
        connection.recv(100)
        held.append(connection)
    with pytest.raises(AgentError, match="Too many"):
        ask(server, "echo")
    for connection in held:
        connection.close()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_gets_no_answer(server: Path) -> None:
    server.parent.chmod(0o755)
    server.chmod(0o666)
    child = os.fork()
    if child == 0:
        os.setuid(12345)
        try:
            os._exit(0 if raw(server, b'{"op": "echo"}\n') == [] else 1)
        except OSError:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_socket_left_by_a_killed_process_is_replaced(sealed: Path) -> None:
    path = sealed / "c.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    listening = Server(path, {"echo": echo}, reported.append)
    listening.start()
    assert ask(path, "echo")["fields"] == {}
    listening.stop()
    assert not path.exists()


def test_a_wrong_type_is_a_usage_error(server: Path) -> None:
    with pytest.raises(UsageError, match="must be a string"):
        ask(server, "typed", text=None)
