"""What one save costs: ours, what people do by hand, and the physical limit, in one run on one disk.

Contenders (`benchmarks/contenders.py`) take turns: the way of gitwatch; `git add --all` and `git commit`; the
way of dura (where pygit2 is installed); git plumbing with a private index (four processes); GitPython's
`IndexFile`; ours; and the physical limit, in C where there is a compiler, and in Python.
"""

from __future__ import annotations

import gc
import hashlib
import importlib.util
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.contenders import CONTENDERS, LIMITS, OURS, SYNCED, Place, Save, git, ours, place
from benchmarks.report import Report, arguments
from benchmarks.watch import session
from gitsession.agent import control
from gitsession.snapshot.links import THEIRS
from gitsession.snapshot.restore import restore
from gitsession.snapshot.user import discover

MANY = 100
PATIENCE = 20_000.0  # milliseconds that one contender may take in all
BY_HAND = "git add --all + commit"
Medians = dict[str, float]


def measured(at: Place, runs: int, count: int, save: Save) -> list[float]:
    """Milliseconds of saving so many changed files, each time."""
    samples = []
    for _ in range(runs):
        changed = at.change(count)
        began = time.perf_counter()
        own = save(changed)
        took = (time.perf_counter() - began) * 1000
        samples.append(own if isinstance(own, float) else took)
    return samples


def interleaved(at: Place, names: Iterable[str], rounds: int, count: int) -> dict[str, list[float]]:
    """Samples of contenders that take turns, so that a busy machine slows all of them alike."""
    saves = {name: CONTENDERS[name](at) for name in names}
    samples: dict[str, list[float]] = {name: [] for name in saves}
    for _ in range(rounds):
        for name, save in saves.items():
            if sum(samples[name]) > PATIENCE:
                continue
            if name not in SYNCED:
                at.git("add", "--all")  # what the others changed is not this one's work
                samples[name] += measured(at, 1, count, save)
            else:
                os.sync()  # nor what they left unsynced: a sync of ours would write it too
                gc.collect()  # nor their objects, which Python would look through in the middle of ours
                gc.freeze()
                samples[name] += measured(at, 6 if count <= MANY else 2, count, save)[1:]
        at.shadow.settle()  # as at each shipment
    return samples


def contest(report: Report, at: Place, rounds: int, changed: int) -> Medians:
    """Every contender with so many changed files; the medians come back."""
    slow_ones = {"dura's way", "plumbing, private index", "GitPython's IndexFile"}
    names = [name for name in CONTENDERS if changed <= MANY or name not in slow_ones]
    if importlib.util.find_spec("pygit2") is None:
        names = [name for name in names if name != "dura's way"]
    medians = {}
    for name, samples in interleaved(at, names, rounds, changed).items():
        medians[name] = report.add(f"{changed:,} of {len(at.files):,}: {name}", "ms", samples).median
    medians["limit"] = min(medians[name] for name in LIMITS if name in medians)
    at.snapshots.take(None, head=at.head)
    return medians


def by_hand(report: Report, what: str, medians: Medians, target: float | None) -> None:
    """How many times faster ours is than `git add --all` and `git commit`."""
    times = medians[BY_HAND] / medians[OURS]
    report.add(f"{what}: faster than by hand", "times", [times], target, at_least=True)


def sizes(report: Report, *, quick: bool) -> None:
    """One changed file, a sweep, and a restore, in repositories of three sizes."""
    for count in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        with place(count) as at:
            medians = contest(report, at, 4 if quick else 10, 1)
            what = f"1 of {count:,}"
            report.add(f"{what}: ours against the limit", "times", [medians[OURS] / medians["limit"]], 2.5)
            by_hand(report, what, medians, {1_000: 10.0, 100_000: 300.0}.get(count))
            sweeping(report, at, 5)
            restoring(report, at, 5)


def scale(report: Report, *, quick: bool) -> None:
    """One changed file in a small and in a large repository that take turns on one disk."""
    counts = (1_000, 10_000) if quick else (1_000, 100_000)
    samples: dict[int, list[float]] = {count: [] for count in counts}
    with place(counts[0]) as small, place(counts[1]) as large:
        both = {counts[0]: (small, ours(small)), counts[1]: (large, ours(large))}
        for _ in range(10 if quick else 30):
            for count, (at, save) in both.items():
                os.sync()
                samples[count] += measured(at, 6, 1, save)[1:]
                at.shadow.settle()
    small_one, large_one = (
        report.add(f"in turns, 1 of {count:,}", "ms", samples[count]).median for count in counts
    )
    report.add(f"1 of {counts[1]:,} against 1 of {counts[0]:,}", "times", [large_one / small_one], 1.25)


def many(report: Report, *, quick: bool) -> None:
    """100 and, as one snapshot, 10,000 changed files of 10,000."""
    with place(10_000) as at:
        by_hand(report, "100 of 10,000", contest(report, at, 5 if quick else 10, MANY), 10.0)
        if not quick:
            before = at.shadow.tip()
            by_hand(report, "10,000 of 10,000", contest(report, at, 3, 10_000), 3.0)
            after = at.shadow.tip()
            snapshots = after.number - before.number if before and after else 0
            report.add("10,000 of 10,000: snapshots a change", "", [(snapshots - 1) / 6], 1.0)


def sweeping(report: Report, at: Place, runs: int) -> None:
    samples = measured(at, runs, 1, lambda _: at.snapshots.take(None, head=at.head))
    report.add(f"a sweep over {len(at.files):,} files", "ms", samples)


def restoring(report: Report, at: Place, runs: int) -> None:
    samples = []
    for _ in range(runs):
        before = at.shadow.tip()
        at.snapshots.take(at.change(10), head=at.head)
        after = at.shadow.tip()
        at.shadow.settle()
        if before is None or after is None:
            raise RuntimeError("there is no snapshot")
        began = time.perf_counter()
        restore(at.shadow.repository, before.commit, at.work, base=after.commit, settings=at.shadow.settings)
        samples.append((time.perf_counter() - began) * 1000)
        at.snapshots.take(None, head=at.head)
    report.add(f"restoring 10 of {len(at.files):,} files", "ms", samples, target=25)


def notebook(report: Report, *, quick: bool) -> None:
    """A 5 MB notebook with one changed cell, against reading and hashing it; then what it ships."""
    with place(1_000) as at:
        path, content = at.work / "big.ipynb", at.chance.randbytes(2_500_000).hex().encode()
        save, ours_took, hashing = ours(at), [], []
        for number in range(6 if quick else 20):
            path.write_bytes(content[:1000] + b"%09d" % number + content[1009:])
            began = time.perf_counter()
            hashlib.sha1(path.read_bytes(), usedforsecurity=False).digest()
            between = time.perf_counter()
            save(["big.ipynb"])
            hashing.append((between - began) * 1000)
            ours_took.append((time.perf_counter() - between) * 1000)
            at.shadow.settle()
    report.add("5 MB notebook: read and hash", "ms", hashing)
    report.add("5 MB notebook: ours, synced", "ms", ours_took, target=5 * statistics.median(hashing))
    shipping(report, 3 if quick else 10)


def shipping(report: Report, edits: int) -> None:
    """The bytes that a one-cell edit of a 5 MB notebook adds to the vault and, thin, to the remote."""
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as folder:
        work, home = Path(folder) / "work", Path(folder) / "home"
        git(Path(folder), "init", "-q", "-b", "main", "work")
        cells = [{"cell_type": "code", "source": os.urandom(2_500).hex()} for _ in range(1_000)]
        book = work / "big.ipynb"
        book.write_text(json.dumps({"cells": cells}, indent=1))
        git(work, "add", "-A")
        git(work, "commit", "-qm", "start")
        vault, remote = [], []
        with session(discover(work), home) as configuration:
            socket, shadow = configuration.places.agent_socket, configuration.places.shadow
            for number in range(edits):
                before = set((home / "vault").rglob("*.bundle"))
                cells[500]["source"] = f"edit {number}"
                book.write_text(json.dumps({"cells": cells}, indent=1))
                control.ask(socket, "flush", timeout=60.0)
                new = [path for path in (home / "vault").rglob("*.bundle") if path not in before]
                vault.append(float(sum(path.stat().st_size for path in new)))
                remote += [float(_thin(shadow, path)) for path in new]
    report.add("one-cell edit, 5 MB notebook: to the vault", "bytes", vault, 4096)
    report.add("one-cell edit, 5 MB notebook: to the remote", "bytes", remote, 2048)


def _thin(shadow: Path, bundle: Path) -> int:
    """The size of the thin pack that a push of what a bundle holds would send."""
    state = bundle.name.partition("-")[2].partition(".")[0]
    head = bundle.read_bytes().partition(b"\n\n")[0].decode()
    known = [line[1:41] for line in head.splitlines() if line.startswith("-")]
    listed = "\n".join([state, "--not", *known, ""])
    packed = subprocess.run(
        ["git", "--git-dir", str(shadow), "pack-objects", "--thin", "--stdout", "--revs", "-q"],
        input=listed.encode(),
        capture_output=True,
        check=True,
    )
    return len(packed.stdout)


def long(report: Report, *, quick: bool) -> None:
    """10,000 snapshots in one session: the save, the push and the store at its end."""
    total = 500 if quick else 10_000
    with place(1_000) as at, tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as folder:
        git(Path(folder), "init", "-q", "--bare")
        save = ours(at)
        samples = _saved(at, save, 10)
        early = _pushed(at, save, Path(folder))
        samples += _saved(at, save, total)
        late = _pushed(at, save, Path(folder))
        edge = min(500, total // 4)
        first, last = statistics.median(samples[10 : 10 + edge]), statistics.median(samples[-edge:])
        report.add(f"save: the first {edge} of {total:,}", "ms", samples[10 : 10 + edge])
        report.add(f"save: the last {edge} of {total:,}", "ms", samples[-edge:])
        report.add("save: the last against the first", "times", [last / first], 1.1)
        report.add("push of one snapshot after 10", "ms", early)
        report.add(f"push of one snapshot after {total:,}", "ms", late)
        _store(report, at)


def _saved(at: Place, save: Save, count: int) -> list[float]:
    """Save so often, settling and packing between as the agent does at each shipment."""
    samples = []
    for number in range(1, count + 1):
        samples += measured(at, 1, 1, save)
        if number % 10 == 0:
            at.shadow.settle()
            at.shadow.tend()
    return samples


def _pushed(at: Place, save: Save, remote: Path) -> list[float]:
    samples = []
    for _ in range(11):
        save(at.change())
        at.shadow.settle()
        began = time.perf_counter()
        git(
            at.shadow.directory, "push", "-q", str(remote), "refs/gitsession-local/tip:refs/heads/session/a/x"
        )
        samples.append((time.perf_counter() - began) * 1000)
    return samples[1:]


def _store(report: Report, at: Place) -> None:
    """The size of our packs against one ideal pack of the same objects."""
    at.shadow.settle()
    while at.shadow.tend():
        pass
    packs = at.shadow.directory / "objects/pack"
    own = sum(path.stat().st_size for path in packs.glob("*.pack") if not path.with_suffix(THEIRS).exists())
    ideal = subprocess.run(
        ["git", "pack-objects", "--stdout", "--revs", "-q", "--delta-base-offset"],
        cwd=at.shadow.directory,
        input=f"refs/gitsession-local/tip\n--not\n{at.head.commit}\n".encode(),
        capture_output=True,
        check=True,
    )
    report.add("the store against an ideal repack", "times", [own / len(ideal.stdout)], 1.3)


PARTS: dict[str, Callable[..., None]] = {
    "sizes": sizes,
    "scale": scale,
    "many": many,
    "notebook": notebook,
    "long": long,
}


def main() -> None:
    chosen = arguments(__doc__, tuple(PARTS))
    report = Report("One save")
    try:
        for name in chosen.only or PARTS:
            PARTS[name](report, quick=chosen.quick)
    finally:  # also what was measured before an interrupt
        report.show(as_json=chosen.json)


if __name__ == "__main__":
    main()
