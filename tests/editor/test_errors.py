"""What can go wrong with an editor, each told in its own words: see `tests/errors_met.json`."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import shutil
import socket
import stat
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner

from gitsession import run
from gitsession.agent import control
from gitsession.agent.control import Request
from gitsession.agent.editor import SessionEditor
from gitsession.commands import expose
from gitsession.editor import archive, gate_process, install, registry, settings, working
from gitsession.editor.download import download
from gitsession.editor.gate_process import GateProcess
from gitsession.editor.install import Installed, Target, silent
from gitsession.editor.ports import _translated
from gitsession.editor.server import Layout, Server, await_answer
from gitsession.editor.sources import FromArchive
from gitsession.editor.tunnel.colab import ColabProxy, address_of
from gitsession.editor.wanted import Wanted
from gitsession.errors import EditorError, FormatError, GitsessionError
from gitsession.notebook.tunnel import open_tunnel
from gitsession.session import Session
from tests.editor.test_install import Fake


def proxy(url: str, answer: object) -> ColabProxy:
    return ColabProxy(lambda _port: url, lambda _script: answer)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: proxy("https://c", None).open(1), "No Colab page answered"),
        (lambda: proxy("https://c", {"post": True}).open(1), "does not pass websocket"),
        (lambda: proxy("", {"post": True, "websocket": True}).open(1), "no address for the port"),
        (lambda: address_of(1), "on Colab only"),
    ],
)
def test_colabs_proxy_is_not_to_be_had(call: Callable[[], object], words: str) -> None:
    with pytest.raises(EditorError, match=words):
        call()


@pytest.fixture
def site() -> Any:
    """A web site that has nothing."""

    class Nothing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Nothing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_a_download_that_is_not_there_or_not_reached(site: str, tmp_path: Path) -> None:
    with pytest.raises(EditorError, match="answered 404"):
        download(site, tmp_path / "part", silent)
    with pytest.raises(EditorError, match="cannot be fetched"):
        download("http://127.0.0.1:9/", tmp_path / "part", silent)


def test_another_installation_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "LOCK_TIMEOUT", 0.0)
    with (tmp_path / f"{install.directory_name(install.machine())}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(EditorError, match="does not end"):
            install.ensure(tmp_path, [Fake()])


def test_a_disk_without_room_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "NEEDED_SPACE", 1 << 62)
    with pytest.raises(EditorError, match="GB are free"):
        install.ensure(tmp_path, [Fake()])


@pytest.mark.parametrize(("machine", "libc"), [("riscv64", "glibc"), ("x86_64", "musl")])
def test_a_machine_for_which_there_is_none(monkeypatch: pytest.MonkeyPatch, machine: str, libc: str) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, "2"))
    with pytest.raises(EditorError, match="There is no editor for"):
        install.machine()


def test_one_that_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(EditorError, match="It does not run here"):
        install.ensure(tmp_path, [Fake("no program")])


def test_an_archive_that_holds_no_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / install.MANIFEST).write_text("{}")
    digest = archive.pack(folder, tmp_path / "packed")
    source = FromArchive(tmp_path / "packed", digest)
    (tmp_path / "staging").mkdir()
    with pytest.raises(FormatError, match="holds no editor"):
        source.fetch(Target("x64", tmp_path / "staging", tmp_path), silent)
    (folder / install.MANIFEST).write_text('{"node": "/bin/sh", "entry": "entry"}')
    other = FromArchive(tmp_path / "other", archive.pack(folder, tmp_path / "other"))
    shutil.rmtree(tmp_path / "staging")
    (tmp_path / "staging").mkdir()
    with pytest.raises(FormatError, match="holds something else than code-server as it was made"):
        other.fetch(Target("x64", tmp_path / "staging", tmp_path), silent)
    monkeypatch.setattr(archive, "LARGEST", 1)
    with pytest.raises(FormatError, match="larger than any editor"):
        archive.unpack(tmp_path / "packed", tmp_path / "again", digest)


def test_a_source_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "staging").mkdir()
    with pytest.raises(EditorError, match="cannot be read: No such file"):
        FromArchive(tmp_path / "gone", "").fetch(Target("x64", tmp_path / "staging", tmp_path), silent)
    environment = dict(os.environ)
    with pytest.raises(EditorError, match=r"npm failed: .*No such file"):
        registry._run("npm", ("./no-such-npm",), tmp_path, environment)
    with pytest.raises(EditorError, match=r"npm failed: .*no network"):
        registry._run("npm", ("sh", "-c", "echo 'ERROR: no network' >&2; exit 1"), tmp_path, environment)


def test_a_package_that_is_not_what_was_pinned(tmp_path: Path) -> None:
    """A registry that hands out another file under the name and version asked for."""
    target = Target("x64", tmp_path / "staging", tmp_path)
    target.staging.mkdir()
    packs = ("sh", "-c", "echo turned > code-server-1.tgz")
    with pytest.raises(EditorError, match="not what was pinned"):
        registry._bring_package(registry.Toolchain(packs, False), target, "code-server", "1", tmp_path / "c")
    assert not (target.staging / "code-server").exists()


@pytest.mark.parametrize("node", ["#!/bin/sh\necho nothing of that name >&2\nexit 1\n", "no program"])
def test_an_extension_that_cannot_be_installed(tmp_path: Path, node: str) -> None:
    program = tmp_path / "node"
    program.write_text(node)
    program.chmod(stat.S_IRWXU)
    layout = Layout(tmp_path / "e")
    layout.create()
    installed = Installed(tmp_path, program, tmp_path / "entry", "present")
    with pytest.raises(EditorError, match=r"The extension ada\.math was not installed"):
        settings.install_extension(installed, layout, {}, "ada.math")


def test_a_worker_that_was_stopped_and_one_whose_work_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = working.Worker()
    worker.stop()
    with pytest.raises(EditorError, match="was stopped"):
        worker.install(tmp_path)
    monkeypatch.setattr(worker, "_ask", lambda _asked: "nowhere")
    with pytest.raises(EditorError, match="gone again"):
        worker.install(tmp_path)


class Silent:
    """A server that never answers."""

    def __init__(self, running: bool) -> None:
        self.running = running

    def answers(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self.running


@pytest.mark.parametrize(("running", "words"), [(True, "did not answer within"), (False, "ended while")])
def test_a_server_that_does_not_answer(running: bool, words: str) -> None:
    with pytest.raises(EditorError, match=words):
        await_answer(cast(Server, Silent(running)), timeout=0.0)


def test_places_in_which_nothing_can_listen() -> None:
    with pytest.raises(EditorError, match="too long a name"):
        Layout(Path("/tmp") / ("x" * 100)).create()
    assert "needs root" in _translated(OSError(errno.EACCES, "denied"), 80).what


def a_gate(folder: Path) -> GateProcess:
    return GateProcess(folder / "g.sock", {"port": 1}, folder / "log", name="t")


def test_a_gate_that_does_not_come_up(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = a_gate(sealed)
    monkeypatch.setattr(gate_process, "START_TIMEOUT", 0.0)
    monkeypatch.setattr(gate_process, "ANSWER_TIMEOUT", 0.2)
    with monkeypatch.context() as never:
        never.setattr(gate, "is_running", lambda: False)
        with pytest.raises(EditorError, match="did not start in time"):
            gate.start()
    gate.stop()
    monkeypatch.setattr(gate_process, "START_TIMEOUT", 20.0)
    monkeypatch.setattr(run, "program", lambda *_words: ("false",))
    ended = a_gate(sealed)
    with pytest.raises(EditorError, match="ended while starting"):
        ended.start()
    ended.stop()


def test_a_gate_that_hangs_up(sealed: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(os.fspath(sealed / "g.sock"))
        listener.listen()

        def hang_up() -> None:
            with listener.accept()[0] as connection:
                connection.recv(1000)

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(EditorError, match="hung up"):
            a_gate(sealed).mint()
        thread.join()


def session_editor(wanted: Wanted | None) -> SessionEditor:
    """One whose agent did not start it."""
    configuration = SimpleNamespace(editor=wanted.to_json() if wanted else {})
    log = SimpleNamespace(failure=lambda *_words: None)
    return SessionEditor(
        cast(Any, SimpleNamespace(parts=SimpleNamespace(log=log), configuration=configuration))
    )


def test_what_is_asked_of_an_editor_that_is_not_there() -> None:
    for editor, port, words in (
        (session_editor(None), 0, "0 is no port"),
        (session_editor(None), 8000, "This session has no editor"),
        (session_editor(Wanted()), 8000, "not up yet"),
    ):
        with pytest.raises(EditorError, match=words):
            editor.table()["expose"](Request("expose", {"port": port}))
    failed = session_editor(Wanted())
    failed._fail(OSError("no room"))
    assert failed.notes() == [
        "There is no editor: It did not start: no room. "
        "`gitsession doctor` looks at the editor; everything else goes on."
    ]


def test_a_notebook_that_is_earlier_than_its_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ask", lambda *_words, **_fields: {"local": None})
    session = cast(Session, SimpleNamespace(places=SimpleNamespace(agent_socket=Path("/nowhere"))))
    with pytest.raises(EditorError, match="The editor is not up"):
        open_tunnel(session, "colab")


def test_nothing_leads_to_what_is_exposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expose, "find", lambda _name: SimpleNamespace(expose=lambda _port: None))
    done = CliRunner().invoke(expose.command, ["8000"])
    assert isinstance(done.exception, GitsessionError)
    assert "No tunnel is open" in done.exception.what


def test_settings_of_an_editor_that_are_damaged() -> None:
    with pytest.raises(FormatError, match="settings are damaged"):
        Wanted.from_json({"unknown": 1})
