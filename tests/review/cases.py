"""Ten changes as they happen to real notebooks, and a few hostile ones, built without a kernel."""

from __future__ import annotations

import copy
import json
import struct
import zlib
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

Notebook = dict[str, Any]


@cache
def picture(heights: tuple[int, ...], color: tuple[int, int, int] = (47, 111, 222)) -> str:
    """A bar chart as a PNG in base64, drawn by hand so that it never changes."""
    wide, high = 360, 200
    step = wide // len(heights)
    rows = []
    for y in range(high):
        row = bytearray(b"\0")
        for x in range(wide):
            bar = heights[min(x // step, len(heights) - 1)]
            filled = high - y <= bar and x % step > 4
            row += bytes(color if filled else (228, 230, 235) if y % 40 == 39 else (255, 255, 255))
        rows.append(bytes(row))
    header = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b"")]
    return b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))).decode()


def _chunk(named: tuple[bytes, bytes]) -> bytes:
    name, content = named
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}


def plot(png: str) -> dict[str, Any]:
    data = {"image/png": png, "text/plain": ["<Figure size 360x200 with 1 Axes>"]}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def frame(rows: list[list[str]]) -> dict[str, Any]:
    head, *body = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    html = f"<table><thead><tr>{head}</tr></thead><tbody>" + "".join(f"<tr>{row}</tr>" for row in body)
    plain = "\n".join("  ".join(row) for row in rows)
    data = {"text/html": f"<div>{html}</tbody></table></div>", "text/plain": plain}
    return {"output_type": "execute_result", "execution_count": 2, "metadata": {}, "data": data}


def failure(name: str, value: str) -> dict[str, Any]:
    trace = ["\x1b[0;31m---------------------------\x1b[0m", f"\x1b[0;31m{name}\x1b[0m: {value}"]
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": trace}


def code(source: str, *outputs: dict[str, Any], count: int | None = 1) -> dict[str, Any]:
    lines = source.splitlines(keepends=True)
    return {
        "cell_type": "code",
        "execution_count": count,
        "metadata": {},
        "outputs": list(outputs),
        "source": lines,
    }


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}


def notebook(*cells: dict[str, Any], kernel: str = "Python 3", version: str = "3.11.9") -> Notebook:
    named = [{**cell, "id": cell.get("id", f"cell-{number}")} for number, cell in enumerate(cells, 1)]
    kernelspec = {"display_name": kernel, "language": "python", "name": kernel.lower().replace(" ", "")}
    return {
        "cells": named,
        "metadata": {"kernelspec": kernelspec, "language_info": {"name": "python", "version": version}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def written(content: Notebook) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


TRAIN = """learning_rate = 0.01
epochs = 5
model = Classifier(hidden=64, dropout=0.1)
history = train(model, rows, learning_rate, epochs)
print(f"accuracy: {history.accuracy:.3f}")
print(f"loss: {history.loss:.4f}")
"""


def digits() -> Notebook:
    """The notebook that all ten changes start from."""
    return notebook(
        text("# Reading digits\n\nHow well does a small network read handwritten digits?\n"),
        code("import pandas as pd\nfrom digits import Classifier, load, train\n", count=1),
        code(
            "rows = load('data/digits.csv')\nrows.head(3)\n",
            frame([["", "pixels", "label"], ["0", "784", "5"], ["1", "784", "0"], ["2", "784", "4"]]),
            count=2,
        ),
        code(TRAIN, stream("accuracy: 0.912\nloss: 0.2871\n"), count=3),
        text("## Errors by digit\n\nWhich digits are confused most?\n"),
        code(
            "errors = history.errors_by_digit()\nerrors.plot.bar(color='tab:blue')\n",
            plot(picture((30, 12, 60, 75, 44, 88, 21, 53, 120, 96))),
            count=4,
        ),
        code(
            "worst = errors.idxmax()\nshow(rows, worst, n=12)\nprint('worst digit:', worst)\n",
            stream("worst digit: 8\n"),
            count=5,
        ),
    )


def _rerun(book: Notebook) -> None:
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] += 10


def _parameter(book: Notebook) -> None:
    cell = book["cells"][3]
    cell["source"][0] = "learning_rate = 0.003\n"
    cell["outputs"] = [stream("accuracy: 0.934\nloss: 0.2209\n")]
    cell["execution_count"] = 6


def _plot(book: Notebook) -> None:
    cell = book["cells"][5]
    cell["source"][1] = "errors.sort_values().plot.bar(color='tab:orange')\n"
    cell["outputs"] = [plot(picture((12, 21, 30, 44, 53, 60, 75, 88, 96, 120), color=(240, 133, 25)))]


def _moved(book: Notebook) -> None:
    cells = book["cells"]
    cells.insert(2, cells.pop(6))


def _split(book: Notebook) -> None:
    cell = book["cells"][3]
    rest = {**copy.deepcopy(cell), "id": "cell-new", "source": cell["source"][3:]}
    cell["source"], cell["outputs"] = cell["source"][:3], []
    rest["execution_count"] = 4
    book["cells"].insert(4, rest)


def _error(book: Notebook) -> None:
    cell = book["cells"][5]
    cell["source"][0] = "errors = history.errors_per_digit()\n"
    cell["outputs"] = [failure("AttributeError", "'History' object has no attribute 'errors_per_digit'")]


def _metadata(book: Notebook) -> None:
    book["cells"][3]["metadata"]["tags"] = ["parameters"]
    book["metadata"]["colab"] = {"provenance": []}


def _kernel(book: Notebook) -> None:
    book["metadata"]["kernelspec"]["display_name"] = "PyTorch 2.9"
    book["metadata"]["language_info"]["version"] = "3.13.1"


def _huge(book: Notebook) -> None:
    cell = book["cells"][3]
    cell["source"][1] = "epochs = 20000\n"
    cell["outputs"] = [stream("".join(f"epoch {n} loss {1 / (n + 1):.6f}\n" for n in range(20000)))]


def _edited(book: Notebook) -> None:
    book["cells"][3]["source"][1] = "epochs = 12\n"
    book["cells"].insert(1, {**text("Run on a T4.\n"), "id": "cell-note"})
    book["cells"].pop(6)


REAL_LIFE: dict[str, Callable[[Notebook], None]] = {
    "rerun": _rerun,
    "parameter": _parameter,
    "plot": _plot,
    "moved": _moved,
    "split": _split,
    "error": _error,
    "metadata": _metadata,
    "kernel": _kernel,
    "huge": _huge,
}


def changed(name: str) -> tuple[bytes, bytes]:
    """The notebook before and after one of the changes."""
    after = digits()
    (REAL_LIFE.get(name) or _edited)(after)
    return written(digits()), written(after)


def conflict() -> bytes:
    """A notebook as a merge leaves it when both sides changed one line."""
    lines = written(digits()).decode().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if "learning_rate = 0.01" in line)
    theirs = lines[at].replace("0.01", "0.1")
    ours = lines[at].replace("0.01", "0.003")
    lines[at : at + 1] = ["<<<<<<< ours\n", ours, "=======\n", theirs, ">>>>>>> theirs\n"]
    return "".join(lines).encode()
