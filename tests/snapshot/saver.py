"""A process that edits and saves, and says on its output what was acknowledged; to be killed or traced.

Run as `python -m tests.snapshot.saver WORK_TREE STATE SEED ROUNDS [MISTAKE]`.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.take import Head, Snapshots, Taken
from gitsession.snapshot.user import discover
from tests.snapshot import mistakes
from tests.snapshot.scene import ADA, SESSION

NO_HEAD = Head("refs/heads/main", None)


def acknowledge(taken: Taken | None) -> None:
    if taken is not None:
        os.write(1, f"saved {taken.number} {taken.commit} {taken.tree}\n".encode())


def edit(work: Path, chance: random.Random) -> str:
    """Change one file at random; its path comes back."""
    path = work / f"d{chance.randrange(3)}/f{chance.randrange(5)}"
    path.parent.mkdir(exist_ok=True)
    if path.exists() and chance.random() < 0.2:
        path.unlink()
    else:
        path.write_bytes(chance.randbytes(chance.choice((10, 1000, 9000))))
    return str(path.relative_to(work))


def save(work: Path, state: Path, seed: int, rounds: int) -> None:
    chance = random.Random(seed)
    user = discover(work)
    with Shadow.open(state / "shadow.git", user) as shadow:
        snapshots = Snapshots(shadow, user, session=SESSION, runtime="r1", identity=ADA)
        acknowledge(snapshots.take(None, head=NO_HEAD))
        for _ in range(rounds):
            paths = [edit(work, chance) for _ in range(chance.randrange(1, 4))]
            acknowledge(snapshots.take(paths if chance.random() < 0.8 else None, head=NO_HEAD))
            if chance.random() < 0.4:
                shadow.settle()
            if chance.random() < 0.2:
                shadow.tend()
        snapshots.close()


if __name__ == "__main__":
    if len(sys.argv) > 5:
        mistakes.make(sys.argv[5])
    save(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
