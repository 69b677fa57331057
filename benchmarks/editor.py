"""How fast the editor is there, and what the gate costs.

    python -m benchmarks.editor [--quick] [--json]

Contenders: `bare` is code-server started alone until `/healthz` answers; `editor` is the same server with its
gate, its settings and its supervision; `open` is `gitsession.open` of a small repository on a path until its
editor answers, with everything that comes before it. Unpacking and trying the vault's archive comes on top
where nothing is unpacked yet. A request is measured straight on the server's socket and through the gate. The
pinned code-server is fetched to `.cache/` once.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.report import Report, arguments
from benchmarks.startup import PROJECT, gitsession, small_repository
from gitsession.editor import archive, install, sources
from gitsession.editor.code_server import CodeServer
from gitsession.editor.install import Installed
from gitsession.editor.server import Layout, await_answer
from gitsession.editor.supervise import Editor, Plan
from tests.editor.browser_side import redeem

CACHE = PROJECT / ".cache/editor"
OPEN = """
import sys, time, gitsession
began = time.perf_counter()
repo, tree, vault = sys.argv[1:]
session = gitsession.open(repo, workdir=tree, storage=vault, editor="auto", tunnel="none", progress=False)
while not (session.status().editor and session.status().editor.healthy):
    time.sleep(0.02)
print(time.perf_counter() - began)
"""


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


def opened(installed: Installed) -> float:
    """`gitsession.open` on a machine of its own, where the editor lies unpacked."""
    with scratch() as folder:
        (folder / "cache/gitsession").mkdir(parents=True)
        (folder / "cache/gitsession/editor").symlink_to(installed.directory.parent)
        own = {"GITSESSION_HOME": f"{folder}/s", "XDG_CACHE_HOME": f"{folder}/cache", "HOME": str(folder)}
        kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        environ = {**kept, **own, "PYTHONPATH": str(PROJECT)}
        remote = small_repository(folder, environ)
        argv = (sys.executable, "-c", OPEN, str(remote), f"{folder}/tree", f"{folder}/vault")
        try:
            done = subprocess.run(argv, env=environ, capture_output=True, check=True, text=True, timeout=120)
        finally:
            subprocess.run(gitsession("close"), env=environ, capture_output=True, check=False, timeout=60)
        return float(done.stdout)


def from_archive(installed: Installed) -> float:
    with scratch() as folder:
        digest = archive.pack(installed.directory, folder / "a")
        return timed(lambda: install.ensure(folder / "cache", [sources.FromArchive(folder / "a", digest)]))


def request_times(
    connection: http.client.HTTPConnection, headers: dict[str, str], rounds: int
) -> list[float]:
    def ask() -> None:
        connection.request("GET", "/healthz", headers=headers)
        connection.getresponse().read()

    ask()
    return [timed(ask) * 1000 for _ in range(rounds)]


def requests(report: Report, installed: Installed, rounds: int) -> None:
    with scratch() as folder:
        editor = Editor(Plan(folder / "p", folder / "e", os.environ), lambda: installed)
        editor.start()
        port = int(editor.url().rpartition(":")[2])
        cookie = redeem(port, editor.mint_ticket()).headers["set-cookie"].partition(";")[0]
        through = http.client.HTTPConnection("127.0.0.1", port)
        direct = http.client.HTTPConnection("localhost")
        direct.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        direct.sock.connect(str(editor.layout.socket))
        straight = report.add("a request, direct", "ms", request_times(direct, {}, rounds)).median
        gated = request_times(through, {"Cookie": cookie}, rounds)
        report.add("a request, through the gate", "ms", gated, target=straight + 5)
        report.add("the gate's memory (PSS)", "MB", [pss(editor.gate_pid())], target=40)
        editor.stop()


def pss(pid: int) -> float:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) / 1000 if found else 0.0


def main() -> None:
    given = arguments(__doc__)
    installed = install.ensure(CACHE, sources.default_sources())
    rounds = 3 if given.quick else 7
    report = Report("editor: seconds until it answers, and what the gate costs")
    turns = [(bare(installed), whole(installed), opened(installed)) for _ in range(rounds)]
    alone = report.add("bare", "s", [turn[0] for turn in turns]).median
    report.add("editor", "s", [turn[1] for turn in turns])
    report.add("open", "s", [turn[2] for turn in turns], target=1.5 * alone)
    report.add("unpacking and trying the archive", "s", [from_archive(installed)], target=15)
    requests(report, installed, 50 if given.quick else 500)
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
