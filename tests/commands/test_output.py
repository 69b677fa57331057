"""Tables as people see them on a narrow and on a wide terminal, and as a pipe gets them."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from gitsession.commands import output
from gitsession.commands.list import Listed, print_table

NAMES = ("20261123-qkzt", "20261109-abcd-fork-12", "a-name-that-somebody-chose")
SESSIONS = [
    Listed(
        repo="ada-lovelace/digits",
        owner="ada-lovelace",
        name=name,
        base="main",
        snapshot=1234,
        opened=2,
        where=("remote", "vault"),
        finished=False,
        running=None,
        size=12_345_678,
        pull="#412 merged",
        leader="elsewhere",
        saved=0.0,
    )
    for name in NAMES
]


def shown(monkeypatch: pytest.MonkeyPatch, width: int, *, terminal: bool, several: bool = False) -> list[str]:
    written = io.StringIO()
    drawn_on = Console(file=written, width=width, force_terminal=terminal, color_system=None, soft_wrap=True)
    monkeypatch.setattr(output, "console", lambda: drawn_on)
    print_table(SESSIONS, with_repo=several)
    return written.getvalue().splitlines()


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_no_name_is_broken_and_no_line_is_wider(
    monkeypatch: pytest.MonkeyPatch, width: int, several: bool
) -> None:
    lines = shown(monkeypatch, width, terminal=True, several=several)
    assert max(map(len, lines)) <= width
    whose = "ada-lovelace/digits" if several else "ada-lovelace"
    for name in NAMES:
        assert any({whose, name, "#412 merged"} <= {*re.split(" {2,}", line.strip())} for line in lines)


def test_a_wide_terminal_shows_every_column_and_a_narrow_one_what_matters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wide = " ".join(shown(monkeypatch, 160, terminal=True))
    narrow = " ".join(shown(monkeypatch, 80, terminal=True))
    for title in ("owner", "session", "base", "last save", "held by", "state", "pull request", "size"):
        assert title in wide
    for title in ("owner", "session", "state", "pull request"):
        assert title in narrow


def test_a_pipe_gets_a_line_for_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    title, rule, *rows = shown(monkeypatch, 80, terminal=False)
    assert "last save" in title and not rule.strip("─ ")
    assert len(rows) == len(NAMES)
    for name, row in zip(NAMES, rows, strict=True):
        assert f" {name} " in row and "remote + vault" in row and "12.3 MB" in row
