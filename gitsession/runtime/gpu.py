"""The machine's graphics processors."""

from __future__ import annotations

from gitsession import run

QUERY = ("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
TIME_LIMIT = 5.0


def gpu() -> str:
    """The names of this machine's NVIDIA GPUs, empty where none answers."""
    try:
        done = run.run(QUERY, timeout=TIME_LIMIT, env=run.clean_environment())
    except (OSError, run.TimedOut):
        return ""
    return ", ".join(done.stdout.decode("utf-8", "replace").split("\n")).strip(", ") if done.code == 0 else ""
