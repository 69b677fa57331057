"""Notebooks read with the place of every cell in the file, so that a review can link to its lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"
DEEPEST = 200


class NotANotebook(Exception):
    """A file that cannot be read as a notebook; the message says why, for people."""


@dataclass(frozen=True)
class Cell:
    """One cell: its content as the file has it, and the line where its source begins (1 the first)."""

    content: dict[str, Any]
    line: int

    @property
    def kind(self) -> str:
        """`code`, `markdown` or `raw`."""
        kind = self.content.get("cell_type")
        return kind if kind in ("code", "markdown") else "raw"

    @property
    def source(self) -> str:
        """The source as one text."""
        return joined(self.content.get("source", ""))

    @property
    def outputs(self) -> tuple[dict[str, Any], ...]:
        """The outputs that are well formed."""
        outputs = self.content.get("outputs", ())
        return tuple(item for item in outputs if isinstance(item, dict)) if isinstance(outputs, list) else ()

    @property
    def count(self) -> int | None:
        """When the cell ran, as the kernel counted; None for one that never did."""
        count = self.content.get("execution_count")
        return count if isinstance(count, int) else None

    @property
    def id(self) -> str:
        """The cell's id, empty in notebooks older than format 4.5."""
        return str(self.content.get("id", ""))


@dataclass(frozen=True)
class Notebook:
    """A notebook of format 4."""

    cells: tuple[Cell, ...]
    metadata: dict[str, Any]
    minor: int = 5


EMPTY = Notebook((), {})


def joined(text: Any) -> str:
    """A multi-line string of the notebook format, which may be a list of lines."""
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def read(content: bytes) -> Notebook:
    """Read a notebook.

    Raises:
        NotANotebook: It is no JSON, no notebook, or of a format before 4.
    """
    try:
        text = content.decode("utf-8-sig")
        top, cells = _members(text)
    except UnicodeDecodeError:
        raise NotANotebook("it is not UTF-8") from None
    except RecursionError:
        raise NotANotebook("it is nested too deeply") from None
    except ValueError as error:
        conflict = "\n<<<<<<< " in text
        raise NotANotebook("it has conflict markers" if conflict else f"it is not JSON ({error})") from None
    if top.get("nbformat") != 4:
        raise NotANotebook(
            f"its format is {top.get('nbformat')!r}, and only format 4 has cells as known here"
        )
    if cells is None or not all(isinstance(cell.content, dict) for cell in cells):
        raise NotANotebook("it has no list of cells")
    metadata, minor = top.get("metadata"), top.get("nbformat_minor")
    return Notebook(
        tuple(cells), metadata if isinstance(metadata, dict) else {}, minor if isinstance(minor, int) else 0
    )


def _members(text: str) -> tuple[dict[str, Any], list[Cell] | None]:
    """The top object's members, and its cells with their lines."""
    top: dict[str, Any] = {}
    cells: list[Cell] | None = None
    at = _expect(text, 0, "{")
    while text[at : at + 1] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _expect(text, at, ":")
        if key == "cells" and text[at : at + 1] == "[":
            cells, at = _cells(text, at)
        else:
            top[key], at = _DECODER.raw_decode(text, at)
        at = _separator(text, at, "}")
    return top, cells


def _cells(text: str, at: int) -> tuple[list[Cell], int]:
    cells, line, counted = [], 1, 0
    at = _expect(text, at, "[")
    while text[at : at + 1] != "]":
        content, end = _DECODER.raw_decode(text, at)
        source = text.find('"source"', at, end)
        start = source if source >= 0 else at
        line += text.count("\n", counted, start)
        counted = start
        cells.append(Cell(content, line))
        at = _separator(text, end, "]")
    return cells, at + 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _expect(text: str, at: int, mark: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != mark:
        raise json.JSONDecodeError(f"expected {mark!r}", text, at)
    return _skip(text, at + 1)


def _separator(text: str, at: int, closing: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] == closing:
        return at
    return _expect(text, at, ",")
