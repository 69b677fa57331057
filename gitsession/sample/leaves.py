"""A leaf that falls from a height, slowed by the air."""

from __future__ import annotations

import csv
import math
from pathlib import Path

GRAVITY = 9.81


def fall_time(height: float, drag: float) -> float:
    """Seconds until a leaf with this drag (1/m) has fallen this far (m)."""
    return math.acosh(math.exp(drag * height)) / math.sqrt(drag * GRAVITY)


def read_measurements(path: Path) -> list[tuple[float, float]]:
    """Pairs of height (m) and time (s)."""
    with path.open(newline="") as file:
        return [(float(row["height_m"]), float(row["time_s"])) for row in csv.DictReader(file)]


def loss(drag: float, measurements: list[tuple[float, float]]) -> float:
    """Mean squared error of the model, in seconds squared."""
    return sum((fall_time(height, drag) - time) ** 2 for height, time in measurements) / len(measurements)
