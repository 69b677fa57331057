"""How long the review of a 5 MB notebook takes, beside nbdime's own diff of it, and how much memory.

    python benchmarks/review.py [--quick] [--json]

The contender is `nbdime.diff_notebooks` on notebooks that are read already. Ours is everything from the
bytes: reading, aligning, the comment and the HTML page.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from importlib import import_module

from gitsession.review.markdown import Links, comments
from gitsession.review.notebooks import compare
from gitsession.review.report import Facts, page
from tests.review import cases


def one_line_edit() -> tuple[bytes, bytes]:
    """A notebook of 5 MB with 300 cells, before and after one line changed."""
    text = "".join(f"step {n} loss {1 / (n + 1):.6f}\n" for n in range(600))
    plot = cases.plot(cases.picture((30, 90, 60)))
    cells = [cases.code(f"rate = {n}\nrun(rate)\n", cases.stream(text), plot, count=n) for n in range(260)]
    before = cases.written(cases.notebook(*cells))
    cells[130]["source"] = ["rate = 0.003\n", "run(rate)\n"]
    return before, cases.written(cases.notebook(*cells))


def best(repeat: int, run: Callable[[], object]) -> float:
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(repeat: int) -> dict[str, Any]:
    before, after = one_line_edit()
    notebooks = [import_module("nbformat").reads(side.decode(), as_version=4) for side in (before, after)]

    def review() -> None:
        reviews = [compare("a.ipynb", before, after)]
        comments(reviews, Links("https://github.com/ada/digits", 1))
        page(reviews, Facts("A change"))

    review()
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    theirs = best(repeat, lambda: import_module("nbdime.diffing.notebooks").diff_notebooks(*notebooks))
    mine = best(repeat, review)
    lines = [
        line for cell in compare("a.ipynb", before, after).cells for h in cell.source for line in h.lines
    ]
    return {
        "megabytes": len(after) / 1e6,
        "nbdime diff": theirs,
        "gitsession review": mine,
        "times": mine / theirs,
        "changed lines": sum(line.mark == "+" for line in lines),
        "peak MB": resident,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(2 if options.quick else 7)
    if options.json:
        print(json.dumps(result, indent=1))
        return
    for name, value in result.items():
        print(f"{name}: {value:.3g}")


if __name__ == "__main__":
    main()
