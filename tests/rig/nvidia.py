"""NVIDIA's `nvidia-smi` as a program on PATH, on a machine that has no GPU.

Stands for: its answer to `--query-gpu=name --format=csv,noheader`, a name a line, as the real one prints it.
Does not imitate: the driver, any other query (it refuses those), nor the time that the real one takes.
"""

from __future__ import annotations

import os

from tests.rig.runtime import Runtime

PROGRAM = """#!/bin/sh
if [ "$*" != "--query-gpu=name --format=csv,noheader" ]; then
  echo "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help."
  exit 2
fi
printf '%s' "{names}"
"""


def install(runtime: Runtime, *names: str) -> None:
    """Give a machine these GPUs."""
    folder = runtime.root / "nvidia"
    folder.mkdir()
    program = folder / "nvidia-smi"
    program.write_text(PROGRAM.replace("{names}", "".join(f"{name}\n" for name in names)))
    program.chmod(0o755)
    runtime.extra["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
