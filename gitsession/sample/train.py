"""Fit the drag of a leaf to the measurements by plain gradient descent."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from leaves import loss, read_measurements

HERE = Path(__file__).parent


def fit(epochs: int, rate: float, pause: float) -> float:
    """The drag after so many steps; every step is appended to runs/log.jsonl."""
    measurements = read_measurements(HERE / "data" / "measurements.csv")
    (HERE / "runs").mkdir(exist_ok=True)
    drag, step = 0.5, 1e-4
    with (HERE / "runs" / "log.jsonl").open("a") as log:
        for epoch in range(epochs):
            slope = (loss(drag + step, measurements) - loss(drag - step, measurements)) / (2 * step)
            drag = max(0.01, drag - rate * slope)
            log.write(json.dumps({"epoch": epoch, "drag": drag, "loss": loss(drag, measurements)}) + "\n")
            log.flush()
            time.sleep(pause)
    return drag


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between steps")
    options = parser.parse_args()
    print(f"drag {fit(options.epochs, options.rate, options.pause):.4f} per metre")
