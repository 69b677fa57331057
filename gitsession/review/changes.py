"""What changed between two trees: notebooks cell by cell, other files by their names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gitsession.git import Repository, commits, lookup, objects
from gitsession.review.notebooks import NotebookReview, compare
from gitsession.review.outputs import Image

_ABSENT = frozenset("0")


@dataclass(frozen=True)
class Changes:
    """The changed notebooks, and other files as `(path, what)`."""

    notebooks: tuple[NotebookReview, ...]
    others: tuple[tuple[str, str], ...]

    @property
    def images(self) -> tuple[Image, ...]:
        """Every image that the review shows, once."""
        found = {
            side.image.name: side.image
            for review in self.notebooks
            for cell in review.cells
            for pair in cell.outputs
            if not pair.same
            for side in (pair.before, pair.after)
            if side and side.image
        }
        return tuple(found.values())


def between(repository: Repository, base: str, head: str) -> Changes:
    """Compare two trees or commits; one notebook is in memory at a time.

    Raises:
        GitError: One of them is not there.
    """
    changed = objects.differences(repository, base, head)
    notebooks = [change for change in changed if change.path.endswith(b".ipynb")]
    others = [change for change in changed if not change.path.endswith(b".ipynb")]
    return Changes(
        tuple(_review(repository, change) for change in notebooks),
        tuple((os.fsdecode(change.path), _what(change)) for change in others),
    )


def _review(repository: Repository, change: objects.Change) -> NotebookReview:
    sides = [None if set(oid) <= _ABSENT else oid for oid in (change.old, change.new)]
    contents = iter(lookup.contents(repository, [oid for oid in sides if oid]))
    before, after = (None if oid is None else next(contents) or b"" for oid in sides)
    return compare(os.fsdecode(change.path), before, after)


def _what(change: objects.Change) -> str:
    if set(change.old) <= _ABSENT:
        return "added"
    if set(change.new) <= _ABSENT:
        return "removed"
    return "changed" if change.old != change.new else "mode changed"


def strip_outputs(repository: Repository, base: str, tree: str) -> str:
    """The tree without the outputs of the notebooks in which it differs from the base."""
    stripped: dict[str, tuple[int, str]] = {}
    for change in objects.differences(repository, base, tree):
        if change.path.endswith(b".ipynb") and not set(change.new) <= _ABSENT:
            (content,) = lookup.contents(repository, [change.new])
            bare = without_outputs(content or b"")
            if bare is not None:
                oid = commits.write_blob(repository, bare)
                stripped[os.fsdecode(change.path)] = (int(change.new_mode, 8), oid)
    return commits.with_files(repository, tree, stripped) if stripped else tree


def without_outputs(content: bytes) -> bytes | None:
    """A notebook's text without outputs and counts, formatted as it was; None for what is no notebook."""
    try:
        book = json.loads(content)
        cells = list(_code_cells(book))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    for cell in cells:
        cell["outputs"], cell["execution_count"] = [], None
    text = json.dumps(book, indent=_indent(content), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + (b"\n" if content.endswith(b"\n") else b"")


def _code_cells(book: Any) -> Iterator[dict[str, Any]]:
    return (cell for cell in book["cells"] if cell["cell_type"] == "code")


def _indent(content: bytes) -> int | None:
    """How far the file indents; None for one that is a single line."""
    lines: Sequence[bytes] = content[:1000].splitlines()
    return len(lines[1]) - len(lines[1].lstrip(b" ")) if len(lines) > 1 else None
