"""How old the oldest unsaved byte is while somebody edits: the recovery point, as a curve.

A session with a vault and a remote, both on paths, and a trace of an editor that saves a second after the
last key: bursts of saves, notebooks among them, and pauses (made up, seeded; no person's). While anything is
unsaved the age of the oldest unsaved save is sampled ten times a second, for *local* (in the agent's journal)
and for *safe* (the remote was read back). `--minutes N` sets how long; 10 by default, 2 with `--quick`.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.report import Report
from benchmarks.startup import PROJECT, gitsession, process, sample
from gitsession.agent import control

STEP = 0.1
CURVE = (0.5, 0.9, 0.95, 0.99, 1.0)
SNAPSHOTS = "--format=%(trailers:key=Gitsession-Snapshot,valueonly,separator=)"


@dataclass
class Heard:
    """What the agent said and when: the newest snapshot's number that has a level."""

    times: list[float] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def note(self, now: float, number: int) -> None:
        if not self.numbers or number > self.numbers[-1]:
            self.times.append(now)
            self.numbers.append(number)


@dataclass
class Trace:
    """An editor's saves, each counted in `saves.txt` after its file was written."""

    tree: Path
    seconds: float
    draw: random.Random
    saved_at: list[float] = field(default_factory=list)

    def play(self) -> None:
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            for _ in range(self.draw.randrange(1, 12)):
                self._save()
                time.sleep(self.draw.uniform(0.3, 3.0))
            time.sleep(min(self.draw.expovariate(1 / 8), 40))

    def _save(self) -> None:
        size, name = (200_000, "b.ipynb") if self.draw.random() < 0.1 else (4_000, "train.py")
        (self.tree / f"{self.draw.randrange(5)}-{name}").write_text(f"{self.draw.random()}\n" * (size // 20))
        (self.tree / "saves.txt").write_text(f"{len(self.saved_at) + 1}\n")
        self.saved_at.append(time.monotonic())


def listen(socket: Path, heard: dict[str, Heard], done: threading.Event) -> None:
    while not done.wait(STEP):
        status = control.ask(socket, "status", timeout=10)["status"]
        now = time.monotonic()
        if status["snapshot"]:
            heard["local"].note(now, status["snapshot"]["number"])
        for replica in status["replicas"]:
            if replica["name"] == "remote" and replica["level"] == "safe":
                heard["safe"].note(now, replica["acknowledged"] or 0)


def saves_of(remote: Path, branch: str) -> dict[int, int]:
    """Which save is the newest in each snapshot."""
    listed = git(remote, "log", "--first-parent", f"{SNAPSHOTS} %H", branch).split("\n")
    pairs = [line.split() for line in listed if len(line.split()) == 2]
    return {int(number): saved(remote, oid) for number, oid in pairs}


def saved(remote: Path, oid: str) -> int:
    done = subprocess.run(["git", "show", f"{oid}:saves.txt"], cwd=remote, capture_output=True, check=False)
    return int(done.stdout or 0)


def git(place: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=place, capture_output=True, text=True, check=True).stdout


def ages(saved_at: Sequence[float], heard: Heard, saves: dict[int, int], until: float) -> list[float]:
    """The age of the oldest unsaved save at each step at which there was one."""
    found, now = [], saved_at[0]
    while now < until:
        place = bisect_right(heard.times, now) - 1
        kept = saves.get(heard.numbers[place], 0) if place >= 0 else 0
        if kept < len(saved_at) and saved_at[kept] <= now:
            found.append(now - saved_at[kept])
        now += STEP
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--minutes", type=float)
    given = parser.parse_args()
    seconds = 60 * (given.minutes or (2 if given.quick else 10))
    report = Report(f"recovery point over {seconds / 60:g} minutes of editing: seconds")
    with tempfile.TemporaryDirectory(prefix="gs-", dir="/tmp") as name:
        folder = Path(name)
        own = {"GITSESSION_HOME": name + "/s", "PYTHONPATH": str(PROJECT), "HOME": name, "PATH": _path()}
        remote = sample(folder, own)
        try:
            measure(report, folder, remote, seconds)
        finally:
            process(own, *gitsession("close"))()
    report.show(as_json=given.json)


def _path() -> str:
    return f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


def measure(report: Report, folder: Path, remote: Path, seconds: float) -> None:
    (socket,) = (folder / "s").glob("sessions/*/agent.sock")
    heard, done = {"local": Heard(), "safe": Heard()}, threading.Event()
    listener = threading.Thread(target=listen, args=(socket, heard, done))
    listener.start()
    trace = Trace(folder / "tree", seconds, random.Random(1))
    began = time.monotonic()
    trace.play()
    until = time.monotonic()
    time.sleep(30)
    done.set()
    listener.join()
    (branch,) = git(remote, "for-each-ref", "--format=%(refname)", "refs/heads/session/").split()
    saves = saves_of(remote, branch)
    for level, targets in (("local", {0.99: 6.0}), ("safe", {0.5: 6.0, 0.99: 15.0})):
        found = sorted(ages(trace.saved_at, heard[level], saves, until))
        for share in CURVE:
            age = found[min(len(found) - 1, int(len(found) * share))]
            report.add(f"{level}, {share:.0%} of the time unsaved", "s", [age], targets.get(share))
    pushes = sum(began <= at <= until for at in heard["safe"].times)
    report.add("pushes a minute", "", [60 * pushes / (until - began)], 6)


if __name__ == "__main__":
    main()
