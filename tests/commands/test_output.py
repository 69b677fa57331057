"""Tables as people see them on a narrow and on a wide terminal, and as a pipe gets them."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from gitsession.commands import log, output, status
from gitsession.commands.list import Listed, print_table
from gitsession.model import Snapshot

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
        assert " snapshot 1234 " in row


def test_names_that_are_longer_than_a_narrow_terminal_are_broken_and_the_rest_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long_one = replace(SESSIONS[0], name="n" * 60, owner="o" * 39, base="b" * 200)
    for width in (40, 80):
        written = io.StringIO()
        drawn_on = Console(file=written, width=width, force_terminal=True, color_system=None, soft_wrap=True)
        monkeypatch.setattr(output, "console", lambda shown_on=drawn_on: shown_on)
        print_table([long_one, *SESSIONS], with_repo=True)
        lines = written.getvalue().splitlines()
        assert max(map(cell_len, lines)) <= width
        assert any({"ada-lovelace/digits", NAMES[0]} <= {*re.split(" {2,}", line)} for line in lines) == (
            width == 80
        )


LONG = (
    "wip: " + "漢字" * 47 + ".txt",
    "wip: " + "x" * 95,
    "wip: 🎉🎉 party\u202egpj.exe.txt",
    "wip: a b.txt, new?line.txt (+2 more)",
)
RAN = {"command": f"python {'漢' * 90}.py", "exit": 1, "seconds": 130, "gpu": "NVIDIA A100-SXM4-80GB"}
TROUBLE = "The branch " + "b" * 200 + " is refused."


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_timeline_and_the_places_fit_every_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    timeline = [log.row(Snapshot(99, "a" * 40, 0.0, subject, 1_400_000, 2, RAN), 1e6) for subject in LONG]
    tables: list[tuple[tuple[str, ...], list[tuple[object, ...]], Any]] = [
        (log.COLUMNS, timeline, log.LAYOUT),
        (status.COLUMNS, [("remote", "on this machine", "snapshot 1234", "13 waiting", TROUBLE)], {}),
    ]
    for columns, rows, layout in tables:
        written = io.StringIO()
        drawn_on = Console(file=written, width=width, force_terminal=True, color_system=None, soft_wrap=True)
        monkeypatch.setattr(output, "console", lambda shown_on=drawn_on: shown_on)
        output.table(columns, rows, **layout)
        lines = written.getvalue().splitlines()
        assert max(map(cell_len, lines)) <= width
        assert sum(line.startswith(str(rows[0][0])[:4]) for line in lines) == len(rows)
        assert "\u202e" not in written.getvalue()
