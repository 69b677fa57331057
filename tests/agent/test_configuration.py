from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gitsession.address import parse_address
from gitsession.agent import configuration
from gitsession.agent.configuration import Configuration, Secrets
from gitsession.errors import FormatError
from gitsession.model import Identity, SessionName
from gitsession.status import Deadline

PLAIN = Configuration(
    address=parse_address("ada/engine"),
    session=SessionName("ada", "one"),
    worktree=Path("/home/ada/engine"),
    runtime="r1",
    author=Identity("Ada", "ada@example.org"),
)
FULL = replace(
    PLAIN,
    fork=parse_address("grace/engine"),
    storage="/drive",
    deadline=Deadline(at=12.5, estimate=False),
    keep=("checkpoints/**",),
    lazy=("*.pt",),
    editor={"port": 1},
)


@pytest.mark.parametrize("given", [PLAIN, FULL])
def test_what_is_saved_is_loaded(given: Configuration) -> None:
    configuration.save(given)
    assert configuration.load(given.places) == given
    assert given.places.configuration.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"version": 2}',
        '{"version": 1}',
        json.dumps({**PLAIN.to_json(), "more": 1}),
        json.dumps({**PLAIN.to_json(), "address": "x"}),
    ],
)
def test_a_damaged_or_newer_one_is_a_format_error(text: str) -> None:
    PLAIN.places.create()
    PLAIN.places.configuration.write_text(text)
    with pytest.raises(FormatError):
        configuration.load(PLAIN.places)


def test_a_missing_one_is_a_format_error() -> None:
    with pytest.raises(FormatError):
        configuration.load(PLAIN.places)


def test_secrets_survive_the_pipe_and_never_show() -> None:
    secrets = Secrets(token="ghp_canary", password="hidden", tunnel_token="ngrok")
    assert Secrets.from_bytes(secrets.to_bytes()) == secrets
    assert Secrets.from_bytes(b"") == Secrets()
    assert "canary" not in repr(secrets)
    assert "hidden" not in str(secrets)
