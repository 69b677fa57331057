"""The way from outside to the editor: ngrok hears what is asked, and a tunnel that drops is opened again."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from gitsession.agent.editor_plan import Secrets
from gitsession.agent.editor_way import Way
from gitsession.editor.wanted import Wanted
from gitsession.errors import EditorError
from tests.rig import ngrok_agent
from tests.rig.patience import eventually

SECRETS = Secrets(password="", tunnel_token="good", tunnel_auth="ada:en9ine-en9ine", key="")


class Editor:
    """What a way needs of an editor: a port, and to be told its address."""

    def __init__(self) -> None:
        self.published: list[str] = []

    def local_url(self) -> str:
        return "http://127.0.0.1:9"

    def publish(self, url: str, _host: str | None) -> None:
        self.published.append(url)

    def withdraw(self) -> None:
        self.published.append("")


@pytest.fixture
def folder(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The private folder of ngrok, with the substitute agent on PATH."""
    programs = sealed / "bin"
    programs.mkdir()
    (programs / "ngrok").write_text(f'#!/bin/sh\nexec {sys.executable} {ngrok_agent.__file__} "$@"\n')
    (programs / "ngrok").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return sealed / "tunnel"


@pytest.fixture
def editor() -> Editor:
    return Editor()


@pytest.fixture
def way(folder: Path, editor: Editor) -> Iterator[Way]:
    wanted = Wanted(tunnel="ngrok", domain="mine.example", oauth="google")
    way = Way(wanted, cast(Any, editor), SECRETS, folder, lambda _: None)
    yield way
    way.close()


def asked_of(folder: Path) -> dict[str, Any]:
    """What the substitute agent was asked for last."""
    return cast("dict[str, Any]", json.loads((folder / "asked.json").read_text()))


def test_what_is_asked_of_ngrok_reaches_it_and_a_second_tunnel_has_no_domain(way: Way, folder: Path) -> None:
    way.open()
    asked = asked_of(folder)
    policy = json.loads(asked["traffic_policy"])["on_http_request"][0]["actions"]
    assert asked["url"] == "https://mine.example"
    assert [action["config"] for action in policy] == [
        {"credentials": ["ada:en9ine-en9ine"]},
        {"provider": "google"},
    ]
    second = way.second(10)
    assert second is not None
    second.close()
    assert "url" not in asked_of(folder) and asked_of(folder)["traffic_policy"] == asked["traffic_policy"]


def test_a_domain_that_is_not_theirs_is_said(folder: Path, editor: Editor) -> None:
    wanted = Wanted(tunnel="ngrok", domain="theirs.example")
    way = Way(wanted, cast(Any, editor), SECRETS, folder, lambda _: None)
    with pytest.raises(EditorError, match="That ngrok domain is not yours"):
        way.open()


def test_a_tunnel_that_drops_is_opened_again(way: Way, editor: Editor, folder: Path) -> None:
    way.open()
    os.kill(json.loads((folder / "agent.json").read_text())["pid"], signal.SIGKILL)

    def is_back() -> bool:
        way.tend()
        return len(editor.published) == 3

    assert eventually(is_back, 30)
    assert editor.published[1] == "" and editor.published[2] != ""
    assert way.is_open
