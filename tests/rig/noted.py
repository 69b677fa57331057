"""What long runs have found so far, a line each: they can be played in portions and go on after a break."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.rig.repositories import PROJECT

FOLDER = PROJECT / ".cache"


def note(name: str, row: Mapping[str, object], folder: Path = FOLDER) -> None:
    """Add a row to what a run has found; several processes may at once."""
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def rows(name: str, folder: Path = FOLDER) -> Iterator[dict[str, Any]]:
    """All that was noted, the oldest first; a line that was cut off counts for nothing."""
    path = folder / f"{name}.jsonl"
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            continue
