"""Which cell of one version is which of the other: nbdime aligns, then moves, splits and merges are seen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from gitsession.review.parse import Cell, NotANotebook, Notebook

HINT = "nbdime is missing: pip install 'gitsession[review]' shows it cell by cell"


@dataclass(frozen=True)
class Pair:
    """Positions of one cell before and after, 0 the first.

    Args:
        old: The position before; None for an added cell.
        new: The position now; None for a removed cell.
        how: `moved`, `split` or `merged`, else empty.
        parts: Positions of all cells that a split made, or that a merge took.
    """

    old: int | None
    new: int | None
    how: str = ""
    parts: tuple[int, ...] = ()


def align(old: Notebook, new: Notebook) -> tuple[Pair, ...]:
    """Pair the cells of two versions, in the order of the new one; removed cells stand where they were.

    Raises:
        NotANotebook: nbdime is not installed, or cannot compare these.
    """
    head = _common(old.cells, new.cells)
    tail = _common(old.cells[head:][::-1], new.cells[head:][::-1])
    middle = [Notebook(side.cells[head : len(side.cells) - tail], {}) for side in (old, new)]
    both = middle[0].cells and middle[1].cells
    between = _aligned(*middle) if both else _one_sided(*middle)  # nbdime sees only where they differ
    moved = [Pair(_plus(pair.old, head), _plus(pair.new, head)) for pair in between]
    ends = [Pair(len(old.cells) - n, len(new.cells) - n) for n in range(tail, 0, -1)]
    pairs = [*(Pair(n, n) for n in range(head)), *moved, *ends]
    pairs = _with_moves(old, new, pairs)
    return tuple(_with_merges(old, new, _with_splits(old, new, pairs)))


def _common(a: Sequence[Cell], b: Sequence[Cell]) -> int:
    """How many cells from the start have the same source."""
    pairs = zip(a, b, strict=False)
    differs = (n for n, (x, y) in enumerate(pairs) if (x.kind, x.source) != (y.kind, y.source))
    return next(differs, min(len(a), len(b)))


def _plus(position: int | None, offset: int) -> int | None:
    return None if position is None else position + offset


def _one_sided(old: Notebook, new: Notebook) -> list[Pair]:
    return [Pair(n, None) for n in range(len(old.cells))] + [Pair(None, n) for n in range(len(new.cells))]


def _aligned(old: Notebook, new: Notebook) -> Iterator[Pair]:
    a = b = 0
    for operation in _cell_operations(old, new):
        while a < operation.key:
            yield Pair(a, b)
            a, b = a + 1, b + 1
        if operation.op == "addrange":
            yield from (Pair(None, b + n) for n in range(len(operation.valuelist)))
            b += len(operation.valuelist)
        elif operation.op == "removerange":
            yield from (Pair(a + n, None) for n in range(operation.length))
            a += operation.length
    yield from (Pair(a + n, b + n) for n in range(len(old.cells) - a))


def _cell_operations(old: Notebook, new: Notebook) -> Sequence[Any]:
    try:
        diff_notebooks = import_module("nbdime.diffing.notebooks").diff_notebooks
    except ImportError:
        raise NotANotebook(HINT) from None
    slim = [_slim(notebook) for notebook in (old, new)]
    try:
        operations = diff_notebooks(*slim)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise NotANotebook(f"nbdime cannot compare it ({type(error).__name__})") from error
    return next((operation.diff for operation in operations if operation.key == "cells"), ())


def _slim(notebook: Notebook) -> Any:
    """The notebook for nbdime: long outputs stand as their hash, which is as good for telling cells apart."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": cell.kind,
            "metadata": {},
            "source": cell.source,
            **({"id": cell.id} if cell.id else {}),
            **(
                {"outputs": [_hashed(item) for item in cell.outputs], "execution_count": None}
                if cell.kind == "code"
                else {}
            ),
        }
        for cell in notebook.cells
    ]
    return import_module("nbformat").from_dict(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    )


def _hashed(output: dict[str, Any]) -> dict[str, str]:
    digest = hashlib.sha256(
        repr(sorted(output.items(), key=str)).encode("utf-8", "surrogatepass")
    ).hexdigest()
    return {"output_type": "stream", "name": "stdout", "text": digest}


def _with_moves(old: Notebook, new: Notebook, pairs: list[Pair]) -> list[Pair]:
    """Pairs a removed with an added cell of the same content or id: it was moved."""
    removed = [pair.old for pair in pairs if pair.new is None and pair.old is not None]
    moved: dict[int, int] = {}
    for pair in pairs:
        if pair.old is None and pair.new is not None:
            cell = new.cells[pair.new]
            origin = next((n for n in removed if _same_cell(old.cells[n], cell)), None)
            if origin is not None:
                removed.remove(origin)
                moved[pair.new] = origin
    gone = set(moved.values())
    kept = [pair for pair in pairs if not (pair.new is None and pair.old in gone)]
    return [
        Pair(moved[pair.new], pair.new, "moved") if pair.old is None and pair.new in moved else pair
        for pair in kept
    ]


def _same_cell(a: Cell, b: Cell) -> bool:
    if a.kind != b.kind or not a.source.strip():
        return False
    return a.source.strip() == b.source.strip() or (a.id == b.id != "" and _share(a, b) > 0.5)


def _share(a: Cell, b: Cell) -> float:
    """The share of lines two cells have in common."""
    mine, theirs = set(_code(a)), set(_code(b))
    return len(mine & theirs) / max(1, len(mine | theirs))


def _with_splits(old: Notebook, new: Notebook, pairs: list[Pair]) -> list[Pair]:
    """A cell whose lines are now spread over neighbours was split."""
    for pair in pairs:
        if pair.old is None:
            continue
        run = _covering(_code(old.cells[pair.old]), new.cells, _free(pairs, pair, "new"))
        if run:
            dropped = [item for item in pairs if item is not pair and item.new in run]
            at = min(pairs.index(item) for item in (*dropped, pair))
            kept = [item for item in pairs if item is not pair and item not in dropped]
            return _with_splits(
                old, new, [*kept[:at], Pair(pair.old, run[0], "split", tuple(run)), *kept[at:]]
            )
    return pairs


def _with_merges(old: Notebook, new: Notebook, pairs: list[Pair]) -> list[Pair]:
    """A cell that has the lines of neighbours was merged from them: a split, seen from the other side."""
    flipped = [Pair(pair.new, pair.old, pair.how, pair.parts) for pair in pairs]
    merged = _with_splits(new, old, flipped)
    return [
        replace(pair, old=pair.new, new=pair.old, how="merged" if pair not in flipped else pair.how)
        for pair in merged
    ]


def _free(pairs: Sequence[Pair], pair: Pair, side: str) -> set[int]:
    """Positions that a split of this pair's cell may cover: its own and those of added cells."""
    own = {getattr(pair, side)} - {None}
    other = "old" if side == "new" else "new"
    return own | {getattr(item, side) for item in pairs if getattr(item, other) is None and not item.how}


def _covering(lines: Sequence[str], cells: Sequence[Cell], free: set[int]) -> list[int]:
    """Neighbouring free cells, at least two, which together have exactly these lines in order."""
    if len(lines) < 2:
        return []
    for start in sorted(free):
        run: list[int] = []
        rest = list(lines)
        while rest and start + len(run) in free:
            part = _code(cells[start + len(run)])
            if not part or rest[: len(part)] != part:
                break
            rest = rest[len(part) :]
            run.append(start + len(run))
        if not rest and len(run) > 1:
            return run
    return []


def _code(cell: Cell) -> list[str]:
    return [line.rstrip() for line in cell.source.splitlines() if line.strip()]
