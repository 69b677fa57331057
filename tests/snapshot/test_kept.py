"""What a state keeps beside its snapshot, also where somebody else wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitsession.model import Level
from gitsession.snapshot.state.kept import LINK, Keeping, KeptFile, dump

FILE = KeptFile("checkpoints/last.pt", "a" * 64, 12, mtime=1_700_000_000_123_456_789, level=Level.SAFE)
POINTS = KeptFile("checkpoints/latest", "", 7, LINK, link="last.pt", awaited=True)
KEEPING = Keeping(("*.pt",), ("big/**",), (FILE, POINTS), {"paths": ("a.py",)})


def test_it_reads_back_as_it_was_written() -> None:
    content = dump(KEEPING)
    assert content is not None
    assert Keeping.from_json(json.loads(content)) == KEEPING
    assert KEEPING.awaited == (POINTS,)
    assert dump(Keeping()) is None


@pytest.mark.parametrize(
    "forged",
    [
        {"path": "../outside"},
        {"path": "/etc/passwd"},
        {"path": ".git/hooks/post-commit"},
        {"path": "deep/.GIT/config"},
        {"sha256": "../../base"},
        {"sha256": "a" * 40},
        {"sha256": ""},
        {"mode": 0o104755},
        {"size": -1},
        {"mtime": 2**70},
        {"level": 9},
        {"link": 5},
    ],
)
def test_a_forged_file_is_refused(forged: dict[str, Any]) -> None:
    document = json.loads(json.dumps(KEEPING.to_json()))
    document["files"][0].update(forged)
    with pytest.raises((ValueError, TypeError)):
        Keeping.from_json(document)
