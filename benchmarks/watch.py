"""What watching costs: how soon a large tree is watched, and how soon a change is known and *local*.

Contenders: our watcher, which leaves out what git ignores, and watchdog's own `Observer` with an event filter
(without the filter it livelocks on large trees).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.report import Report, arguments
from gitsession.address import parse_address
from gitsession.agent import control, launching
from gitsession.agent.configuration import Configuration, Secrets
from gitsession.agent.marks import Marks
from gitsession.agent.watch import Watcher
from gitsession.errors import AgentError
from gitsession.model import Identity, SessionName
from gitsession.snapshot.user import UserRepository, discover

FILES_IN_DIRECTORY = 20
IGNORED_DIRECTORIES = 2_000
READY_TARGET = 1.0
IDLE_SHARE_TARGET = 0.3
IDLE_MEMORY_TARGET = 90.0
P99_TARGET = 10.0
BUSY_TARGET = 3.0
WRITER_TARGET = 5.0


def make_tree(root: Path, files: int) -> UserRepository:
    """A repository of so many small files, with an ignored `node_modules` of many directories beside them."""
    git = ["git", "-c", "user.name=B", "-c", "user.email=b@example.org"]
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    for number in range(files // FILES_IN_DIRECTORY):
        directory = root / f"d{number // 50}" / f"e{number}"
        directory.mkdir(parents=True)
        for name in range(FILES_IN_DIRECTORY):
            (directory / f"{name}.py").write_text(f"value = {number * name}\n" * 20)
    for number in range(IGNORED_DIRECTORIES):
        (root / "node_modules" / str(number)).mkdir(parents=True)
    (root / ".gitignore").write_text("node_modules/\n")
    subprocess.run([*git, "-C", str(root), "add", "--all"], check=True)
    subprocess.run([*git, "-C", str(root), "commit", "--quiet", "-m", "First"], check=True)
    return discover(root)


def ours(user: UserRepository) -> tuple[float, int]:
    """Seconds until everything is watched, and how many watches that took."""
    began = time.perf_counter()
    watcher = Watcher(user, Marks(lambda: None), report=_raise)
    watcher.start()
    seconds = time.perf_counter() - began
    watches = len(watcher.watched)
    watcher.stop()
    return seconds, watches


def observer(user: UserRepository) -> float:
    """Seconds until watchdog's `Observer` watches everything."""
    from watchdog.events import FileModifiedEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    began = time.perf_counter()
    watching = Observer()
    watching.schedule(
        FileSystemEventHandler(), str(user.work_tree), recursive=True, event_filter=[FileModifiedEvent]
    )
    watching.start()
    seconds = time.perf_counter() - began
    watching.stop()
    watching.join()
    return seconds


def latencies(user: UserRepository, rounds: int) -> list[float]:
    """Milliseconds from the end of a write until it is marked."""
    woken = threading.Event()
    marks = Marks(woken.set)
    watcher = Watcher(user, marks, report=_raise)
    watcher.start()
    target, found = user.work_tree / "d0/e0/0.py", []
    for number in range(rounds):
        marks.collect()
        woken.clear()
        began = time.perf_counter()
        target.write_text(f"value = {number}\n")
        woken.wait()
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(0.01)
    watcher.stop()
    return found


@contextmanager
def session(user: UserRepository, home: Path, **settings: float) -> Iterator[Configuration]:
    """A session that really runs on the repository, with a vault and no remote."""
    os.environ["GITSESSION_HOME"] = str(home)
    configuration = Configuration(
        address=parse_address(str(user.work_tree)),
        session=SessionName("bench", "watch"),
        worktree=user.work_tree,
        runtime="bench",
        author=Identity("B", "b@example.org"),
        storage=str(home / "vault"),
        publish=False,
        **settings,  # type: ignore[arg-type]
    )
    launching.launch(configuration, Secrets())
    try:
        until(lambda: status(configuration)["state"] == "stored")
        yield configuration
    finally:
        control.ask(configuration.places.keeper_socket, "stop", timeout=120.0)


def save_latencies(configuration: Configuration, rounds: int) -> list[float]:
    """Milliseconds from an atomic save, as editors do it, until it is *local*, by the agent's clock."""
    target, found = configuration.worktree / "d0/e0/1.py", []
    written = configuration.worktree / "node_modules" / "next"  # ignored, so that writing it is no event
    for count in range(rounds):
        written.write_text(f"value = {count} + {time.time_ns()}\n")
        before = status(configuration)["snapshot"]["number"]
        began = time.time()
        written.replace(target)
        time.sleep(0.03)  # the agent notes when it saved; a question meanwhile would slow it
        until(lambda before=before: status(configuration)["snapshot"]["number"] > before)  # type: ignore[misc]
        found.append((status(configuration)["snapshot"]["at"] - began) * 1000)
        time.sleep(0.1)
    return found


def idle(configuration: Configuration, seconds: float) -> tuple[float, float]:
    """The share of a core in percent, and the PSS in MB, that keeper and agent use while nothing happens."""
    sockets = (configuration.places.keeper_socket, configuration.places.agent_socket)
    pids = [int(control.ask(path, "ping")["pid"]) for path in sockets]
    before = sum(_processor_time(pid) for pid in pids)
    time.sleep(seconds)
    used = sum(_processor_time(pid) for pid in pids) - before
    return used / seconds * 100, sum(_pss(pid) for pid in pids) / 1e6


def writer(configuration: Configuration, seconds: float) -> float:
    """Seconds per snapshot beside a log that grows every 50 ms."""
    began, before = time.monotonic(), status(configuration)["snapshot"]["number"]
    with (configuration.worktree / "train.txt").open("a", buffering=1) as log:
        while time.monotonic() - began < seconds:
            log.write(f"step {time.monotonic()}\n")
            time.sleep(0.05)
        taken = status(configuration)["snapshot"]["number"] - before
    return seconds / taken if taken else float("inf")


@contextmanager
def busy_cores() -> Iterator[None]:
    """A job that keeps every core busy."""
    jobs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for job in jobs:
            job.kill()
            job.wait()


def _processor_time(pid: int) -> float:
    """With that of the children it waited for, such as a sweep's git."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def status(configuration: Configuration) -> dict[str, Any]:
    try:
        found: dict[str, Any] = control.ask(configuration.places.agent_socket, "status")["status"]
    except AgentError:
        return {"state": ""}
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the session did not come so far")
        time.sleep(0.002)


def _raise(error: Exception) -> None:
    raise error


def seeing(report: Report, scratch: Path, *, quick: bool) -> None:
    """How soon a large tree is watched, and how soon a write is marked."""
    files, rounds = (20_000, 20) if quick else (100_000, 200)
    user = make_tree(scratch / "large", files)
    runs = [ours(user) for _ in range(3)]
    report.add(f"ours: ready, {files} files", "s", [seconds for seconds, _ in runs], READY_TARGET)
    report.add(f"watchdog Observer: ready, {files} files", "s", [observer(user) for _ in range(3)])
    report.add("ours: watched directories", "directories", [float(watches) for _, watches in runs])
    report.add("ours: write to mark", "ms", latencies(user, rounds))


def saving(report: Report, scratch: Path, *, quick: bool) -> None:
    """From a write to *local*, alone and beside a job that keeps all cores busy."""
    files, rounds = (2_000, 20) if quick else (10_000, 200)
    user = make_tree(scratch / "small", files)
    with session(user, scratch / "home", quiet=0.0, max_age=0.0) as configuration:
        alone = report.add(
            f"write to local, quiet 0, {files} files", "ms", save_latencies(configuration, rounds)
        )
        with busy_cores():
            beside = report.add("the same beside busy cores", "ms", save_latencies(configuration, rounds))
    report.add("write to local, quiet 0: p99", "ms", [alone.percentile(0.99)], P99_TARGET)
    report.add("busy cores against none", "times", [beside.median / alone.median], BUSY_TARGET)


def idling(report: Report, scratch: Path, *, quick: bool) -> None:
    """What keeper and agent use while nothing happens, and beside a continuous writer."""
    files, idle_seconds, writing = (2_000, 20.0, 12.0) if quick else (10_000, 130.0, 30.0)
    user = make_tree(scratch / "small", files)
    with session(user, scratch / "home") as configuration:
        share, memory = idle(configuration, idle_seconds)
        pause = writer(configuration, writing)
    report.add(f"idle: share of a core, {files} files", "%", [share], IDLE_SHARE_TARGET)
    report.add(f"idle: keeper and agent, {files} files", "MB PSS", [memory], IDLE_MEMORY_TARGET)
    report.add("beside a continuous writer: a snapshot every", "s", [pause], WRITER_TARGET, at_least=True)


PARTS = {"seeing": seeing, "saving": saving, "idling": idling}


def main() -> None:
    options = arguments(__doc__, tuple(PARTS))
    report = Report("watch: what it costs to see changes and to save them")
    try:
        for name in options.only or PARTS:
            with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as scratch:
                PARTS[name](report, Path(scratch), quick=options.quick)
    finally:  # also what was measured before an interrupt
        report.show(as_json=options.json)


if __name__ == "__main__":
    main()
