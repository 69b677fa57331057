"""git's progress meters, read from its stderr."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_METER = re.compile(
    rb"(?:remote: )?(?P<phase>[A-Z][A-Za-z ]+): +"
    rb"(?:(?P<percent>\d+)% \((?P<done>\d+)/(?P<total>\d+)\)|(?P<count>\d+))"
    rb"(?:, (?P<size>[\d.]+) (?P<unit>bytes|[KMGT]iB))?"
)
_UNITS = {b"bytes": 1, b"KiB": 2**10, b"MiB": 2**20, b"GiB": 2**30, b"TiB": 2**40}


@dataclass(frozen=True)
class Progress:
    """How far one phase of a transfer is.

    Args:
        phase: git's own name for it: `Receiving objects`, `Updating files`.
        done: Objects or files so far.
        total: Of how many; None while git does not know.
        size: Bytes transferred so far; None where git does not say.
    """

    phase: str
    done: int
    total: int | None = None
    size: int | None = None


Listen = Callable[[Progress], None]


def parse_progress(line: bytes) -> Progress | None:
    """Read one line of a meter; None for every other line.

    Example:
        >>> parse_progress(b"Receiving objects:  50% (1/2), 1.00 KiB | 5.00 KiB/s")
        Progress(phase='Receiving objects', done=1, total=2, size=1024)
    """
    meter = _METER.match(line.strip())
    if meter is None:
        return None
    size = int(float(meter["size"]) * _UNITS[meter["unit"]]) if meter["size"] else None
    done = int(meter["done"] or meter["count"])
    return Progress(meter["phase"].decode(), done, int(meter["total"]) if meter["total"] else None, size)


def hear(listen: Listen | None) -> Callable[[bytes], None] | None:
    """What a streamed command's stderr is handed to, so that `listen` gets its meters."""
    if listen is None:
        return None

    def heard(line: bytes) -> None:
        progress = parse_progress(line)
        if progress is not None:
            listen(progress)

    return heard
