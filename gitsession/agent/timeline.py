"""Which snapshot a person means: by its number, by a time, or by the cell that came after it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

from gitsession.errors import FormatError, SessionError, UsageError
from gitsession.git import history, lookup
from gitsession.git.command import Repository
from gitsession.snapshot import trailers

Chain: TypeAlias = Sequence[tuple[int, history.Logged]]
_AGO = re.compile(r"(\d{1,9})\s*(second|minute|hour|day|week)s?(?:\s+ago)?|(\d{1,9})\s*([smhdw])(?:\s+ago)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def chosen(chain: Chain, at: Any, before_cell: int | None, now: float) -> str:
    """The commit that is meant, of the snapshots newest first; the one before the last by default.

    Raises:
        UsageError: `at` is neither a number nor a time.
        SessionError: There is none such.
    """
    if before_cell is not None:
        return _before_cell(chain, before_cell)
    if at is None:
        found = list(chain[1:2])
    elif isinstance(at, int) and not isinstance(at, bool):
        found = [entry for entry in chain if entry[0] == at]
    elif isinstance(at, str):
        moment = moment_of(at, now)
        found = [entry for entry in chain if entry[1].at <= moment][:1]
    else:
        raise UsageError(
            "'at' must be a snapshot's number or a time.",
            hint='Write 40, "10 minutes ago" or 2026-11-22T21:30.',
        )
    if not found:
        raise SessionError(f"There is no snapshot {at or 'before the last'}.", hint="See `gitsession log`.")
    return found[0][1].commit


def _before_cell(chain: Chain, wanted: int) -> str:
    """The newest snapshot from before a cell ran, of the kernel's newest life that reached that cell.

    A kernel counts its cells from 1 after each restart, so that going back in time a number that does not
    fall begins an earlier life. A snapshot tells of the cell that ran before it was taken, or was
    running, and after which snapshot that cell began.
    """
    place, last = None, None
    for at, (_, entry) in enumerate(chain):
        cell = (ran_of(entry) or {}).get("cell")
        if not isinstance(cell, int):
            continue
        if place is not None and (cell < wanted or (last is not None and cell > last)):
            break
        place, last = (at if cell >= wanted else place), cell
    if place is None or place + 1 >= len(chain):
        raise SessionError(
            f"No snapshot is known from before cell {wanted}.",
            hint="`gitsession log` says which cells ran before which snapshot.",
        )
    began_after = (ran_of(chain[place][1]) or {}).get("after")
    if not isinstance(began_after, int):
        return chain[place + 1][1].commit
    before = (entry for number, entry in chain[place + 1 :] if number <= began_after)
    return next(before, chain[place + 1][1]).commit


def ran_of(entry: history.Logged) -> dict[str, Any] | None:
    """What ran before a snapshot; None where nothing did, or nothing that can be read."""
    try:
        record = json.loads(trailers.parse(entry.message).ran or "null")
    except (FormatError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def told(repository: Repository, chain: Chain) -> list[dict[str, Any]]:
    """The snapshots as `log` tells them: `size` is how many bytes of new content each brought."""
    if not chain:
        return []
    written = history.written(repository, chain[0][1].commit, len(chain))
    oids = sorted({oid for found in written.values() for oid in found})
    known = lookup.kinds_and_sizes(repository, oids)
    sizes = {oid: found[2] for oid, found in zip(oids, known, strict=True) if found is not None}
    return [
        {
            "number": number,
            "commit": entry.commit,
            "at": entry.at,
            "subject": entry.subject,
            "size": sum(sizes.get(oid, 0) for oid in written.get(entry.commit, ())),
            "held": trailers.parse(entry.message).held,
            "ran": ran_of(entry),
        }
        for number, entry in chain
    ]


def moment_of(text: str, now: float) -> float:
    """Seconds since 1970 from `10 minutes ago`, `2h` or an ISO date; local time where it names no zone.

    Raises:
        UsageError: It is none of these.
    """
    match = _AGO.fullmatch(text.strip().lower())
    if match is not None:
        count, unit = match[1] or match[3], match[2] or match[4]
        return now - int(count) * _SECONDS[unit[0]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{text[:50]!r} is no time.", hint='Write it like "10 minutes ago" or 2026-11-22T21:30.'
        ) from None
