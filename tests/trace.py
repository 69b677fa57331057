"""People at work on one machine, from seeded traces: an editor, a terminal with git, a training script."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from tests.rig.runtime import Runtime

COMMON = """
import os, random, subprocess, sys, time
from pathlib import Path
tree, seed, pause = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
draw = random.Random(seed)
def wait(): time.sleep(draw.random() * pause)
"""
EDITOR = """
while True:
    path = tree / f"w{draw.randrange(12)}.txt"
    match draw.randrange(5):
        case 0: path.unlink(missing_ok=True)
        case 1: path.write_text("x" * draw.randrange(20000))
        case 2:
            aside = path.with_suffix(".new"); aside.write_text(str(time.time())); aside.rename(path)
        case _: path.write_text(f"{seed} {time.time()}\\n")
    wait()
"""
TERMINAL = """
def git(*words): subprocess.run(["git", *words], cwd=tree, capture_output=True)
name = 0
while True:
    match draw.randrange(8):
        case 0: git("switch", "--quiet", "--create", f"try-{seed}-{(name := name + 1)}")
        case 1: git("switch", "--quiet", "main")
        case 2: git("stash", "push", "--include-untracked"); wait(); git("stash", "pop")
        case 3: git("commit", "--quiet", "--amend", "--no-edit")
        case 4: git("merge", "--quiet", "--no-edit", f"try-{seed}-{name}")
        case 5: git("reset", "--quiet", "--soft", "HEAD~1")
        case _: git("add", "--all"); git("commit", "--quiet", "--message", f"{seed} at {time.time()}")
    for _ in range(4): wait()
"""
TRAINING = """
step, out = 0, tree / "runs"
out.mkdir(exist_ok=True)
while True:
    step += 1
    with (out / "log.csv").open("a") as log: log.write(f"{step},{draw.random()}\\n")
    if step % 20 == 0:
        aside = out / "checkpoint.tmp"
        aside.write_bytes(draw.randbytes(300_000)); aside.replace(out / "checkpoint.bin")
    wait()
"""
PEOPLE = (EDITOR, TERMINAL, TRAINING)


def start_all(
    runtime: Runtime, tree: Path, draw: random.Random, pause: float = 0.05
) -> list[subprocess.Popen[bytes]]:
    """Let all of them work below `tree` until the machine is killed; `pause` is the longest of an editor."""
    return [
        runtime.start(sys.executable, "-c", COMMON + work, str(tree), str(draw.randrange(10**6)), str(pause))
        for work in PEOPLE
    ]
