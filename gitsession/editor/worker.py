"""Installs or packs the editor in a process of its own, so that nothing that saves work waits for it.

It reads one line of JSON and answers in lines: `{"phase", "done", "total"}` as it goes on, last either
`{"done": …}` or `{"error": {"what", "safe", "hint"}}`. When its standard input closes, its parent has no more
use for it, or was killed: it ends what it started, and itself.

    {"op": "install", "cache": path, "archive": [path, sha256] or null} -> {"done": source}
    {"op": "pack", "directory": path, "target": path}                   -> {"done": sha256}
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gitsession.editor import archive, install
from gitsession.editor.install import Step
from gitsession.editor.sources import default_sources
from gitsession.errors import GitsessionError


def carry_out(asked: Mapping[str, Any]) -> str:
    """Do one piece of work and answer with what came of it."""
    if asked["op"] == "pack":
        return archive.pack(Path(asked["directory"]), Path(asked["target"]))
    given = asked["archive"]
    sources = default_sources(Path(given[0]), given[1]) if given else default_sources()
    return install.ensure(Path(asked["cache"]), sources, _tell).source


def _tell(step: Step) -> None:
    _say({"phase": step.phase, "done": step.done, "total": step.total})


def _say(line: Mapping[str, object]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


def _end_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _on_signal(_number: int, _frame: object) -> None:
    raise SystemExit(1)  # what was started is ended on the way out


def main() -> int:
    """Do what the first line asks for."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _on_signal)
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    try:
        _say({"done": carry_out(asked)})
    except GitsessionError as error:
        _say({"error": {"what": error.what, "safe": error.safe, "hint": error.hint}})
    except OSError as error:
        _say({"error": {"what": f"{error.filename}: {error.strerror}.", "safe": "", "hint": ""}})
    return 0
