"""Line differences of two texts as values."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST_LINE = 2000
MOST_LINES = 4000


@dataclass(frozen=True)
class Line:
    """One line: `+` added, `-` removed or a space for context; its numbers before and after, 0 for none."""

    mark: str
    text: str
    old: int = 0
    new: int = 0


@dataclass(frozen=True)
class Hunk:
    """Lines that stand together; `left_out` counts those that were cut off its end."""

    lines: tuple[Line, ...]
    left_out: int = 0


def hunks(before: str, after: str, *, context: int = 3, most: int = 400) -> tuple[Hunk, ...]:
    """What changed from one text to the other, each change with lines of context around it.

    Texts of many thousand lines are compared by their equal beginning and end alone, which is linear.
    """
    old, new = before.splitlines(), after.splitlines()
    if old == new:
        return ()
    groups = _groups(old, new, context)
    return tuple(_limited(group, most) for group in groups)


def _groups(old: list[str], new: list[str], context: int) -> list[list[Line]]:
    if len(old) + len(new) > MOST_LINES:
        return [list(_block(old, new, context))]
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    grouped = matcher.get_grouped_opcodes(context)
    return [[line for opcode in group for line in _lines(old, new, *opcode)] for group in grouped]


def _lines(
    old: Sequence[str], new: Sequence[str], tag: str, i: int, k: int, j: int, m: int
) -> Iterator[Line]:
    if tag == "equal":
        yield from (Line(" ", _cut(old[i + n]), i + n + 1, j + n + 1) for n in range(k - i))
        return
    yield from (Line("-", _cut(old[n]), n + 1) for n in range(i, k))
    yield from (Line("+", _cut(new[n]), 0, n + 1) for n in range(j, m))


def _block(old: list[str], new: list[str], context: int) -> Iterator[Line]:
    """One change from the first line that differs to the last."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    start = max(0, head - context)
    yield from _lines(old, new, "equal", start, head, start, head)
    yield from _lines(old, new, "replace", head, len(old) - tail, head, len(new) - tail)
    end = min(tail, context)
    i, j = len(old) - tail, len(new) - tail
    yield from _lines(old, new, "equal", i, i + end, j, j + end)


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _limited(lines: list[Line], most: int) -> Hunk:
    return Hunk(tuple(lines[:most]), max(0, len(lines) - most))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…"
