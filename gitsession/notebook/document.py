"""A notebook as JSON: what is taken out before it is kept, its cells' sources, and its form on disk."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from gitsession.errors import FormatError

PERSONAL = frozenset(
    {"executionInfo", "outputId"}
)  # Colab's: a person's name and Google id, and ids of outputs
CARD_MARK = "data-gitsession-card"
BADGE = "view-in-github"
_OURS = re.compile(r"\bgitsession\b")
_INDENT = re.compile(rb"\{\r?\n( +)\"")

Notebook = dict[str, Any]


def parse(content: bytes) -> Notebook:
    """Read a notebook of format 4.

    Raises:
        FormatError: It is none.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise FormatError(
            "This is no notebook: it is not JSON.",
            hint="Look at the file: a merge may have left its marks in it.",
        ) from None
    return checked(found)


def checked(found: Any) -> Notebook:
    """The same notebook, if it is one of format 4.

    Raises:
        FormatError: It is none.
    """
    cells = found.get("cells") if isinstance(found, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise FormatError(
            "This is no notebook of format 4: it has no cells.",
            hint="Save it again from Jupyter, which converts it.",
        )
    return dict(found)


def cleaned(notebook: Notebook) -> Notebook:
    """The notebook without what is not the person's work: their Google id, and our own card."""
    return {**notebook, "cells": [_clean_cell(cell) for cell in notebook["cells"]]}


def _clean_cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    kept = {**cell, "metadata": _without_personal(cell.get("metadata"))}
    if "source" in cell:
        kept["source"] = source(cell).splitlines(keepends=True)
    if isinstance(cell.get("outputs"), list):
        kept["outputs"] = [_clean_output(output) for output in cell["outputs"] if not _is_card(output)]
    return kept


def _clean_output(output: Any) -> Any:
    if isinstance(output, dict) and "metadata" in output:
        return {**output, "metadata": _without_personal(output["metadata"])}
    return output


def _without_personal(metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, dict):
        return {}
    return {name: value for name, value in metadata.items() if name not in PERSONAL}


def _is_card(output: Any) -> bool:
    shown = output.get("data") if isinstance(output, dict) else None
    return isinstance(shown, dict) and CARD_MARK in _text(shown.get("text/html"))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def source(cell: Mapping[str, Any]) -> str:
    """A cell's source, which a notebook may hold as one string or as lines."""
    return _text(cell.get("source"))


def work(notebook: Notebook) -> tuple[str, ...]:
    """The sources of the cells that are the person's work: neither empty nor there to open a session."""
    found = (source(cell).strip() for cell in notebook["cells"] if not _is_badge(cell))
    return tuple(text for text in found if text and not _opens(text))


def _opens(text: str) -> bool:
    return _OURS.search(text) is not None and len(text.splitlines()) <= 8


def _is_badge(cell: Mapping[str, Any]) -> bool:
    metadata = cell.get("metadata")
    return isinstance(metadata, dict) and metadata.get("id") == BADGE


def name(notebook: Notebook) -> str | None:
    """The name that Colab shows for it."""
    colab = notebook.get("metadata", {}).get("colab") if isinstance(notebook.get("metadata"), dict) else None
    found = colab.get("name") if isinstance(colab, dict) else None
    return found if isinstance(found, str) else None


def badges(notebook: Notebook) -> str:
    """What the cell says that Colab itself puts at the top of a notebook that it saves to GitHub."""
    return "\n".join(source(cell) for cell in notebook["cells"] if _is_badge(cell))


def serialised(notebook: Notebook, like: bytes | None = None) -> bytes:
    """The form on disk, indented as the file that is there, so that a diff shows only what changed."""
    found = _INDENT.match(like or b"")
    indent = len(found[1]) if found else 1
    return (json.dumps(notebook, indent=indent, ensure_ascii=False) + "\n").encode(
        "utf-8", "backslashreplace"
    )
