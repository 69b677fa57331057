"""How fast the editor is there, and what the gate costs.

    python benchmarks/editor.py [--quick] [--json]

Contenders: `bare` is code-server started alone until `/healthz` answers; `editor` is the same server with its
gate, its settings and its supervision; `archive` brings it from the vault's archive first. A request is
measured straight on the server's socket (`direct`) and through the gate (`gate`). The pinned code-server is
fetched to `.cache/` once.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from gitsession.editor import archive, install, sources
from gitsession.editor.code_server import CodeServer
from gitsession.editor.install import Installed
from gitsession.editor.server import Layout, await_answer
from gitsession.editor.supervise import Editor, Plan
from tests.editor.browser_side import redeem

CACHE = Path(__file__).parent.parent / ".cache/editor"


@contextmanager
def scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gs-", dir="/tmp"))
    (folder / "p").mkdir()
    yield folder
    shutil.rmtree(folder)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bare(installed: Installed) -> float:
    with scratch() as folder:
        layout = Layout(folder / "e")
        layout.create()
        server = CodeServer(installed, folder / "p", layout, os.environ)

        def start() -> None:
            server.start()
            await_answer(server)

        seconds = timed(start)
        server.stop()
        return seconds


def whole(installed: Installed) -> float:
    with scratch() as folder:
        editor = Editor(Plan(folder / "p", folder / "e", os.environ), lambda: installed)
        seconds = timed(editor.start)
        editor.stop()
        return seconds


def from_archive(installed: Installed) -> float:
    with scratch() as folder:
        digest = archive.pack(installed.directory, folder / "a")
        return timed(lambda: install.ensure(folder / "cache", [sources.FromArchive(folder / "a", digest)]))


def request_times(connection: http.client.HTTPConnection, headers: dict[str, str], rounds: int) -> float:
    def ask() -> None:
        connection.request("GET", "/healthz", headers=headers)
        connection.getresponse().read()

    ask()
    return statistics.median(timed(ask) for _ in range(rounds)) * 1000


def requests(installed: Installed, rounds: int) -> dict[str, float]:
    with scratch() as folder:
        editor = Editor(Plan(folder / "p", folder / "e", os.environ), lambda: installed)
        editor.start()
        port = int(editor.url().rpartition(":")[2])
        cookie = redeem(port, editor.mint_ticket()).headers["set-cookie"].partition(";")[0]
        through = http.client.HTTPConnection("127.0.0.1", port)
        direct = http.client.HTTPConnection("localhost")
        direct.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        direct.sock.connect(str(editor.layout.socket))
        figures = {
            "request_direct_ms": request_times(direct, {}, rounds),
            "request_gate_ms": request_times(through, {"Cookie": cookie}, rounds),
            "gate_pss_mb": pss(editor.gate_pid()),
        }
        editor.stop()
        return figures


def pss(pid: int) -> float:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) / 1000 if found else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    installed = install.ensure(CACHE, sources.default_sources())
    rounds = 3 if options.quick else 7
    figures = {
        "bare_s": statistics.median(bare(installed) for _ in range(rounds)),
        "editor_s": statistics.median(whole(installed) for _ in range(rounds)),
        "archive_s": from_archive(installed),
        **requests(installed, 50 if options.quick else 500),
    }
    figures["editor_to_bare"] = figures["editor_s"] / figures["bare_s"]
    figures["gate_adds_ms"] = figures["request_gate_ms"] - figures["request_direct_ms"]
    rounded = {name: round(value, 2) for name, value in figures.items()}
    lines = json.dumps(rounded) if options.json else "\n".join(f"{k:20}{v:>10}" for k, v in rounded.items())
    sys.stdout.write(lines + "\n")


if __name__ == "__main__":
    main()
