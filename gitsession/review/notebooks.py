"""What changed in a notebook, cell by cell, as values: no Markdown, no HTML, no git."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from gitsession.review.align import Pair, align
from gitsession.review.hunks import Hunk, hunks
from gitsession.review.outputs import Number, Output, changed_numbers, summarise
from gitsession.review.parse import EMPTY, Cell, NotANotebook, Notebook, read

WHOLE = 1000  # lines of a text diff that stands in for cells


@dataclass(frozen=True)
class OutputPair:
    """What a cell put out before and after at one place; None on the side where there is nothing."""

    before: Output | None
    after: Output | None

    @property
    def same(self) -> bool:
        """Whether nothing changed here."""
        return self.before == self.after

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Numbers that changed in a text that is otherwise the same."""
        before, after = self.before, self.after
        if before is None or after is None or {before.kind, after.kind} != {"text"}:
            return ()
        return changed_numbers(before.text, after.text)


@dataclass(frozen=True)
class CellChange:
    """One changed cell.

    Args:
        kind: `added`, `removed`, `moved`, `changed`, `split`, `merged`, `rerun` or `metadata`.
        cell: `code`, `markdown` or `raw`.
        old: Its number before, 1 the first; None for an added one.
        new: Its number now; None for a removed one.
        line: The line in the file where its source begins: of the new file, of the old for a removed one.
        source: Changed lines with context; of added and removed cells all of them.
        outputs: All places at which either side has an output.
        parts: The numbers of the cells it was split into, or merged from.
        stale: Whether the source changed and the outputs are from before.
        metadata: Keys of the cell's metadata that changed.
        title: The cell's first telling line.
    """

    kind: str
    cell: str
    old: int | None
    new: int | None
    line: int
    source: tuple[Hunk, ...] = ()
    outputs: tuple[OutputPair, ...] = ()
    parts: tuple[int, ...] = ()
    stale: bool = False
    metadata: tuple[str, ...] = ()
    title: str = ""

    @property
    def outputs_changed(self) -> bool:
        """Whether any output differs."""
        return any(not pair.same for pair in self.outputs)

    @property
    def failed(self) -> bool:
        """Whether the cell now ends in an error."""
        return any(pair.after is not None and pair.after.kind == "error" for pair in self.outputs)


@dataclass(frozen=True)
class NotebookReview:
    """What changed in one notebook.

    Args:
        path: Its path, `/`-separated.
        status: `added`, `removed` or `changed`.
        cells: The changed cells, in the order of the new notebook.
        total: How many cells it has now.
        reruns: How many cells were run again with the same result.
        settings: Sentences on the kernel, the language and other metadata that changed.
        warnings: Sentences on the order of execution and on outputs that are out of date.
        reason: Why it could not be read as a notebook; then `text` is the difference of the files.
        text: The difference as lines, only with `reason`.
    """

    path: str
    status: str
    cells: tuple[CellChange, ...] = ()
    total: int = 0
    reruns: int = 0
    settings: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    reason: str = ""
    text: tuple[Hunk, ...] = ()


def compare(path: str, before: bytes | None, after: bytes | None) -> NotebookReview:
    """Compare two versions of a notebook; None where there is none.

    What cannot be read as a notebook is compared as text, with the reason; this never raises for content.
    """
    status = "added" if before is None else "removed" if after is None else "changed"
    try:
        old, new = (EMPTY if side is None else read(side) for side in (before, after))
        pairs = align(old, new)
    except NotANotebook as error:
        return _as_text(path, status, before or b"", after or b"", str(error))
    changes = tuple(_changes(old, new, pairs))
    quiet = [change for change in changes if change.kind == "rerun" and not change.outputs_changed]
    told = tuple(change for change in changes if change not in quiet)
    warnings = () if status == "removed" else (*_stale(told), *_order(new))
    settings = _settings(old, new) if status == "changed" else ()
    return NotebookReview(path, status, told, len(new.cells), len(quiet), settings, warnings)


def _as_text(path: str, status: str, before: bytes, after: bytes, reason: str) -> NotebookReview:
    old, new = (side.decode("utf-8", "replace") for side in (before, after))
    return NotebookReview(path, status, reason=reason, text=hunks(old, new, most=WHOLE))


def _changes(old: Notebook, new: Notebook, pairs: Sequence[Pair]) -> Iterator[CellChange]:
    for pair in pairs:
        before = None if pair.old is None else old.cells[pair.old]
        after = None if pair.new is None else new.cells[pair.new]
        change = _change(before, after, pair)
        if change is not None:
            yield change


def _change(before: Cell | None, after: Cell | None, pair: Pair) -> CellChange | None:
    cell = after or before
    if cell is None:
        return None
    base = CellChange(
        _kind(before, after, pair),
        cell.kind,
        None if pair.old is None else pair.old + 1,
        None if pair.new is None else pair.new + 1,
        cell.line,
        parts=tuple(part + 1 for part in pair.parts),
        title=_title(cell),
    )
    if base.kind == "same":
        return None
    both = (before.source if before else "", after.source if after else "")
    source = () if pair.parts else hunks(*both, context=3)  # a split or merge keeps its lines
    outputs = _pairs(before, after)
    changed = replace(base, source=source, outputs=outputs, metadata=_metadata(before, after))
    return replace(changed, stale=_is_stale(before, after, changed))


def _kind(before: Cell | None, after: Cell | None, pair: Pair) -> str:
    if before is None or after is None:
        return "added" if before is None else "removed"
    if pair.how:
        return pair.how
    if (before.kind, before.source) != (after.kind, after.source):
        return "changed"
    if (before.outputs, before.count) != (after.outputs, after.count):
        return "rerun"
    return "metadata" if _metadata(before, after) else "same"


def _pairs(before: Cell | None, after: Cell | None) -> tuple[OutputPair, ...]:
    old = summarise(before.outputs) if before else ()
    new = summarise(after.outputs) if after else ()
    longest = max(len(old), len(new))
    padded = [(*side, *[None] * (longest - len(side))) for side in (old, new)]
    return tuple(OutputPair(*both) for both in zip(*padded, strict=True))


def _is_stale(before: Cell | None, after: Cell | None, change: CellChange) -> bool:
    if before is None or after is None or after.kind != "code" or change.kind != "changed":
        return False
    return bool(after.outputs) and before.outputs == after.outputs and before.count == after.count


def _metadata(before: Cell | None, after: Cell | None) -> tuple[str, ...]:
    if before is None or after is None:
        return ()
    old, new = (cell.content.get("metadata") for cell in (before, after))
    return _changed_keys(old, new) if isinstance(old, dict) and isinstance(new, dict) else ()


_NOISE = frozenset(
    {"execution", "ExecuteTime", "colab", "outputId", "executionInfo", "id", "scrolled", "collapsed"}
)


def _changed_keys(old: dict[str, object], new: dict[str, object]) -> tuple[str, ...]:
    return tuple(sorted(key for key in {*old, *new} - _NOISE if old.get(key) != new.get(key)))


def _title(cell: Cell) -> str:
    lines = [line.strip() for line in cell.source.splitlines() if line.strip()]
    telling = next((line for line in lines if not line.startswith(("import ", "from ", "%", "!"))), None)
    return (telling or (lines[0] if lines else "empty")).strip("# ")[:60]


def _settings(old: Notebook, new: Notebook) -> tuple[str, ...]:
    facts = (
        ("Kernel", "kernelspec", "display_name"),
        ("Language", "language_info", "name"),
        ("Language version", "language_info", "version"),
    )
    told = [_told(name, _look(old, *keys), _look(new, *keys)) for name, *keys in facts]
    known = {"kernelspec", "language_info", "widgets"}
    others = [key for key in _changed_keys(old.metadata, new.metadata) if key not in known]
    names = ", ".join(others)
    return (*filter(None, told), *([f"Notebook metadata changed: {names}"] if others else []))


def _look(notebook: Notebook, section: str, key: str) -> str:
    part = notebook.metadata.get(section)
    return str(part.get(key, "none")) if isinstance(part, dict) else "none"


def _told(name: str, old: str, new: str) -> str:
    return f"{name}: {old} → {new}" if old != new else ""


def _stale(changes: Sequence[CellChange]) -> Iterator[str]:
    numbers = [change.new for change in changes if change.stale and change.new]
    if numbers:
        yield f"{_cells(numbers)} changed but not run again: the outputs shown are from before the change"


def _order(notebook: Notebook) -> Iterator[str]:
    """Whether the notebook ran from top to bottom, as far as its counts say."""
    ran = [(number, cell.count) for number, cell in enumerate(notebook.cells, 1) if cell.count is not None]
    early = [number for (_, above), (number, count) in pairwise(ran) if (count or 0) < (above or 0)]
    if early:
        yield f"Not run from top to bottom: {_cells(early).lower()} ran before the one above"
    never = [
        number
        for number, cell in enumerate(notebook.cells, 1)
        if ran and cell.kind == "code" and cell.source.strip() and cell.count is None
    ]
    if never:
        yield f"{_cells(never)} never run"


def _cells(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:6])) + (f" and {len(numbers) - 6} more" if len(numbers) > 6 else "")
    return f"Cell {shown}" if len(numbers) == 1 else f"Cells {shown}"
