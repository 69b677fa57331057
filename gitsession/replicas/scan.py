"""The guard's own process: reads blobs as `git cat-file --batch` writes them, answers a JSON line for each.

It runs apart, so that a blob which makes it hang, crash or eat memory costs that blob its passage and the
agent nothing. Started as `python -m gitsession.replicas.scan`.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import IO, Any

from gitsession.replicas.secrets import find, fingerprint, worth_trying

MEMORY_LIMIT = 3 << 30
_DATA_URI = re.compile(r"(data:[\w/+.-]{1,60};base64,)[A-Za-z0-9+/=\s]{64,}")
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"\xef\xbb\xbf": "utf-8"}


@dataclass(frozen=True)
class Seen:
    """A secret in a blob: what it is, its line in the file, where for people, and its `fingerprint`."""

    kind: str
    line: int
    where: str
    fingerprint: str


def scan(path: str, content: bytes) -> tuple[Seen, ...]:
    """Every secret in one file.

    Notebooks are read cell by cell, so that a finding names its cell; images and other base64 are left out.
    """
    if b"\0" in content[:8000] and content[:2] not in _BYTE_ORDER_MARKS:
        return tuple(_in_text(path, content.decode("latin-1"), binary=True))
    text = _decode(content)
    cells = _cells(text) if path.endswith(".ipynb") else None
    return tuple(_in_text(path, text) if cells is None else _in_notebook(path, text, cells))


def _decode(content: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    return content.decode("utf-8", "replace")


def _in_text(path: str, text: str, *, binary: bool = False) -> Iterator[Seen]:
    for secret in find(text, binary=binary):
        line = 0 if binary else text.count("\n", 0, secret.start) + 1
        where = "a binary file" if binary else f"line {line}"
        yield Seen(secret.kind, line, where, fingerprint(secret.kind, path, secret.value))


def _in_notebook(path: str, text: str, parts: list[tuple[str, str]]) -> Iterator[Seen]:
    rules = worth_trying("\n".join(content for _, content in parts))
    for place, content in parts:
        for secret in find(content, rules=rules):
            inside = content.count("\n", 0, secret.start) + 1
            line = _line_in_file(text, secret.value)
            where = f"{place}, line {inside}" if place != "metadata" else "the notebook's metadata"
            yield Seen(secret.kind, line, where, fingerprint(secret.kind, path, secret.value))


def _line_in_file(text: str, value: str) -> int:
    first = value.strip().splitlines()[0] if value.strip() else value
    for form in (json.dumps(first)[1:-1], json.dumps(first, ensure_ascii=False)[1:-1]):
        if (start := text.find(form)) >= 0:
            return text.count("\n", 0, start) + 1
    return 0


def _cells(text: str) -> list[tuple[str, str]] | None:
    """The readable parts of a notebook with their places; None for what is no notebook."""
    try:
        notebook = json.loads(text)
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        parts = [part for number, cell in enumerate(cells, 1) for part in _parts(number, cell)]
        rest = {key: value for key, value in notebook.items() if key not in ("cells", "worksheets")}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None
    return [*parts, ("metadata", json.dumps(rest, indent=0, ensure_ascii=False))]


def _parts(number: int, cell: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield f"cell {number}", _joined(cell.get("source", cell.get("input", "")))
    for output in cell.get("outputs", ()):
        yield f"output of cell {number}", "\n".join(_texts(output))
    rest = {
        key: value for key, value in cell.items() if key not in ("source", "input", "outputs", "attachments")
    }
    yield f"metadata of cell {number}", json.dumps(rest, indent=0, ensure_ascii=False)


def _joined(source: Any) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _texts(output: dict[str, Any]) -> Iterator[str]:
    bundle = output.get("data", {})
    plain = {key: value for key, value in output.items() if key not in ("data", "metadata")}
    for kind, value in (*plain.items(), *bundle.items()):
        if kind.startswith(("image/", "audio/", "video/", "application/pdf")) and kind != "image/svg+xml":
            continue
        text = (
            _joined(value) if isinstance(value, (str, list)) and _flat(value) else json.dumps(value, indent=0)
        )
        yield _DATA_URI.sub(r"\1", text)


def _flat(value: str | list[Any]) -> bool:
    return isinstance(value, str) or all(isinstance(item, str) for item in value)


def answers(stream: IO[bytes]) -> Iterator[dict[str, Any]]:
    """One answer for each object of a `cat-file --batch` stream; `found` is None for what is not there."""
    while header := stream.readline():
        kind, _, rest = header.decode("utf-8", "surrogateescape").strip().partition(" ")
        if rest == "missing" or not rest.partition(" ")[0].isdigit():
            yield {"oid": kind, "found": None}
            continue
        size, oid, path = rest.split(" ", 2)
        content = stream.read(int(size))
        stream.read(1)
        yield {"oid": oid, "found": [asdict(seen) for seen in scan(json.loads(path), content)]}


def main() -> None:
    """Answer for every object on standard input until it ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
    for answer in answers(sys.stdin.buffer):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
