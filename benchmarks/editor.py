"""How fast the editor is there, and what the gate costs.

    python -m benchmarks.editor [--quick] [--json]

Contenders: `bare` is code-server started alone until `/healthz` answers; `editor` is the same server with
its gate, its settings and its supervision; `health` is how long after the call of `gitsession.open`, for a
small repository on a path, the same server answers the same question, asked every 20 ms from outside; `open`
is until that call returns, when all is there and the gate lets people in. Unpacking and trying the vault's
archive comes on top where nothing is unpacked yet. A request is measured straight on the server's socket and
through the gate. The pinned code-server is fetched to `.cache/` once. As root `chrt -r 10 python -m
benchmarks.editor` keeps what else runs on the machine from the processors meanwhile.
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
from gitsession.editor.server import Layout, await_answer, healthy
from gitsession.editor.supervise import Editor, Plan
from tests.editor.browser_side import redeem

CACHE = PROJECT / ".cache/editor"
OPEN = """
import sys, time, gitsession
print(time.monotonic(), flush=True)
repo, tree, vault = sys.argv[1:]
session = gitsession.open(repo, workdir=tree, storage=vault, editor="auto", tunnel="none", progress=False)
print(time.monotonic())
assert session.status().editor.healthy
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


def opened(installed: Installed) -> tuple[float, float]:
    """`gitsession.open` on a machine of its own, where the editor lies unpacked: seconds until the server
    answers, and until the call returns."""
    with scratch() as folder:
        (folder / "cache/gitsession").mkdir(parents=True)
        (folder / "cache/gitsession/editor").symlink_to(installed.directory.parent)
        own = {"GITSESSION_HOME": f"{folder}/s", "XDG_CACHE_HOME": f"{folder}/cache", "HOME": str(folder)}
        kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        environ = {**kept, **own, "PYTHONPATH": str(PROJECT)}
        remote = small_repository(folder, environ)
        argv = (sys.executable, "-c", OPEN, str(remote), f"{folder}/tree", f"{folder}/vault")
        opener = subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True)
        try:
            began = float(read_line(opener))
            answered = await_server(folder / "s") - began
            return answered, float(read_line(opener)) - began
        finally:
            opener.wait(60)
            subprocess.run(gitsession("close"), env=environ, capture_output=True, check=False, timeout=60)


def read_line(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline() if process.stdout is not None else ""


def await_server(state: Path) -> float:
    """The moment at which the server of a machine answers, on the clock of `time.monotonic`."""
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        if any(healthy(path, CodeServer.route) for path in state.glob("editors/*/s.sock")):
            return time.monotonic()
        time.sleep(0.02)
    raise TimeoutError("The editor did not answer.")


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
    report.add("health", "s", [turn[2][0] for turn in turns], target=1.5 * alone)
    report.add("open", "s", [turn[2][1] for turn in turns])
    report.add("unpacking and trying the archive", "s", [from_archive(installed)], target=15)
    requests(report, installed, 50 if given.quick else 500)
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
