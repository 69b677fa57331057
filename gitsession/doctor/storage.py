"""The vault's place, tried with a sample: written, read back, removed."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from gitsession.doctor.case import Case
from gitsession.doctor.finding import Finding
from gitsession.doctor.machine import free_space
from gitsession.errors import GitsessionError
from gitsession.replicas.mount import Mount
from gitsession.wording import human_size

SAMPLE = 4_000_000
SLOW = 1_000_000  # bytes a second
LITTLE_ROOM, NO_ROOM = 1_000_000_000, 50_000_000


def storage(case: Case) -> Finding:
    """Whether the vault's place answers, takes and gives back a sample, how fast, and what room it has."""
    if isinstance(case.storage, GitsessionError):
        raise case.storage
    if case.storage is None:
        words = "there is no vault: work is kept by the remote alone, and what may not leave by nobody"
        return Finding.warn(words, "Name a folder that lasts: `--storage /path`, or `--storage drive`.")
    seconds = _trial(case.storage)
    free = free_space(case.storage)
    speed = SAMPLE / max(seconds, 0.001)
    room = "" if free is None else f", {human_size(free)} free"
    words = f"{case.storage}: {human_size(SAMPLE)} written and read back in {seconds:.1f} s{room}"
    if free is not None and free < LITTLE_ROOM:
        fix = f"Make room in {case.storage}, and empty its trash, or name another place with --storage."
        return Finding.bad(words, fix) if free < NO_ROOM else Finding.warn(words, fix)
    if speed < SLOW:
        fix = "Keep large files out of `--keep`, or name a faster place with --storage."
        return Finding.warn(f"{words}, which is slow", fix)
    return Finding.good(words)


def _trial(place: Path) -> float:
    """Seconds for a sample to be written and read back.

    Raises:
        StorageError: It cannot be.
    """
    existed = place.exists()
    name, content = f".gitsession-doctor-{uuid.uuid4().hex}", os.urandom(SAMPLE)
    with TemporaryDirectory() as folder, closing(Mount(place)) as mount:
        sample = Path(folder, "sample")
        sample.write_bytes(content)
        mount.probe()
        began = time.monotonic()
        try:
            mount.put(sample, name, hashlib.sha256(content).hexdigest())
        finally:
            mount.remove([name])
            if not existed:
                with suppress(OSError):  # it could not be made
                    place.rmdir()
        return time.monotonic() - began
