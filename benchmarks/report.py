"""How a benchmark says what it found: the machine, the contenders, medians with their spread, and targets."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One contender's measurements; `target`, in the same unit, is what is asked: at most, or at least."""

    name: str
    unit: str
    samples: tuple[float, ...]
    target: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target; None without one."""
        if self.target is None:
            return None
        return self.median >= self.target if self.at_least else self.median <= self.target

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.samples)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "min": min(self.samples),
            "p99": self.percentile(0.99),
            "max": max(self.samples),
            "runs": len(self.samples),
            "target": self.target,
            "met": self.met,
        }


@dataclass
class Report:
    """What one program measured, on what."""

    title: str
    figures: list[Figure] = field(default_factory=list)

    def add(
        self,
        name: str,
        unit: str,
        samples: Sequence[float],
        target: float | None = None,
        *,
        at_least: bool = False,
    ) -> Figure:
        figure = Figure(name, unit, tuple(samples), target, at_least)
        self.figures.append(figure)
        return figure

    def show(self, *, as_json: bool) -> None:
        if as_json:
            rows = [figure.to_json() for figure in self.figures]
            sys.stdout.write(json.dumps({"title": self.title, "machine": machine(), "figures": rows}) + "\n")
            return
        sys.stdout.write(f"{self.title}\n{machine()}\n\n")
        width = max((len(figure.name) for figure in self.figures), default=0)
        for figure in self.figures:
            sys.stdout.write(f"{figure.name:<{width}}  {_line(figure)}\n")


def _line(figure: Figure) -> str:
    spread = f"{min(figure.samples):.4g} to {max(figure.samples):.4g}, {len(figure.samples)} runs"
    line = f"{figure.median:10.4g} {figure.unit:<6} ({spread})"
    if figure.target is None:
        return line
    bound = "at least" if figure.at_least else "at most"
    return f"{line}  {bound} {figure.target:.4g}: {'met' if figure.met else 'MISSED'}"


def machine() -> str:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    place = f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, {memory:.0f} GiB"
    load = "load {:.1f} {:.1f} {:.1f}".format(*os.getloadavg())
    return f"{place}, Python {platform.python_version()}, {_file_system(Path.cwd())}, {load}"


def _file_system(path: Path) -> str:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [mount for mount in mounts if path.is_relative_to(mount[1].replace("\\040", " "))]
    return max(holding, key=lambda mount: len(mount[1]))[2] if holding else "unknown file system"


def timed(call: Callable[[], object], runs: int) -> list[float]:
    """Wall-clock milliseconds of each of so many calls, after one that does not count."""
    call()
    samples = []
    for _ in range(runs):
        began = time.perf_counter()
        call()
        samples.append((time.perf_counter() - began) * 1000)
    return samples


def arguments(description: str | None, parts: Sequence[str] = ()) -> argparse.Namespace:
    """`--quick` and `--json`, which every benchmark takes, and `--only` where it has parts."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    if parts:
        parser.add_argument("--only", action="append", choices=parts, help="this part; may be repeated")
    return parser.parse_args()
