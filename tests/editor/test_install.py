from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gitsession.editor import archive, install, pinned, sources, working
from gitsession.editor.install import (
    VERSION,
    Built,
    Installed,
    Progress,
    Source,
    Step,
    Target,
    ensure,
    machine,
)
from gitsession.errors import EditorError

NODE = f"#!/bin/sh\necho {VERSION} with Code\n"


class Fake:
    """A source whose Node is a shell script that says the pinned version, so that nothing is fetched."""

    name = "a source of this test"

    def __init__(self, script: str = NODE) -> None:
        self.script = script
        self.fetched = 0

    def fetch(self, target: Target, progress: Progress) -> Built:
        self.fetched += 1
        node = target.staging / "node"
        node.write_text(self.script)
        node.chmod(0o755)
        (target.staging / "entry").write_text("")
        return Built("node", "entry")


class Broken:
    name = "a broken source"

    def fetch(self, target: Target, progress: Progress) -> Built:
        (target.staging / "half").write_text("half")
        raise EditorError("Nothing here.")


def test_it_is_brought_once_and_found_then(tmp_path: Path) -> None:
    fake = Fake()
    first = ensure(tmp_path, [fake])
    again = ensure(tmp_path, [fake])
    assert (first.source, again.source, fake.fetched) == (fake.name, "present", 1)
    assert again.command == (str(first.node), str(first.entry))


def test_the_next_source_is_asked_and_nothing_half_is_left(tmp_path: Path) -> None:
    installed = ensure(tmp_path, [Broken(), Fake()])
    assert not (installed.directory / "half").exists()
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [installed.directory.name]


def test_no_source_says_why_for_each(tmp_path: Path) -> None:
    with pytest.raises(EditorError, match=r"broken source: Nothing here.*test: It does not run here"):
        ensure(tmp_path, [Broken(), Fake("#!/bin/sh\necho 0.0.1\n")])
    assert install.present(tmp_path) is None


def test_concurrent_installations_fetch_once(tmp_path: Path) -> None:
    fake = Fake("#!/bin/sh\nsleep 0.3\necho " + VERSION + "\n")
    found: list[Installed] = []
    threads = [threading.Thread(target=lambda: found.append(ensure(tmp_path, [fake]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fake.fetched == 1
    assert {installed.node for installed in found} == {found[0].node} and len(found) == 4


def test_the_vaults_archive_brings_it_without_a_network(tmp_path: Path) -> None:
    installed = ensure(tmp_path / "one", [Fake()])
    digest = archive.pack(installed.directory, tmp_path / "a.tar.zst")
    source = sources.FromArchive(tmp_path / "a.tar.zst", digest, known(installed))
    steps: list[Step] = []
    again = ensure(tmp_path / "two", [source], steps.append)
    assert (again.source, again.node.read_text()) == ("the vault", NODE)
    assert any(step.phase == "unpacking" and step.total for step in steps)


def known(installed: Installed) -> dict[str, tuple[str]]:
    """Pins under which this one counts as code-server."""
    return {machine(): (pinned.fingerprint(installed.directory),)}


def turned(directory: Path) -> None:
    (directory / "node").write_text(f"#!/bin/sh\ntouch {directory.parent}/ran\necho {VERSION}\n")


def added(directory: Path) -> None:
    (directory / "also").write_text("loaded by what is genuine")


def led_elsewhere(directory: Path) -> None:
    (directory / "entry").unlink()
    (directory / "entry").symlink_to("node")


@pytest.mark.parametrize("forge", [turned, added, led_elsewhere])
def test_an_editor_that_somebody_put_into_the_vault_is_not_run(
    tmp_path: Path, forge: Callable[[Path], None]
) -> None:
    """Its name holds its hash, as whoever can write there can see to: what it holds is compared too."""
    installed = ensure(tmp_path / "one", [Fake()])
    pins = known(installed)
    forge(installed.directory)
    digest = archive.pack(installed.directory, tmp_path / "a.tar.zst")
    fake = Fake()
    again = ensure(tmp_path / "two", [sources.FromArchive(tmp_path / "a.tar.zst", digest, pins), fake])
    assert again.source == fake.name
    assert not (tmp_path / "one/ran").exists()


def test_the_real_one_is_among_those_that_are_pinned(code_server: Installed) -> None:
    assert pinned.is_genuine(code_server.directory, machine())


def test_whoever_fetches_the_vaults_archive_has_a_name_of_their_own(tmp_path: Path) -> None:
    beyond_any = tmp_path / working.FETCHED.format(1 << 22 | 1, "dead")
    beyond_any.touch()
    first = working.fetched_into(tmp_path)
    first.touch()
    assert working.fetched_into(tmp_path) != first
    assert list(tmp_path.iterdir()) == [first]


def test_a_damaged_archive_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.tar.zst").write_bytes(b"no archive")
    fake = Fake()
    assert (
        ensure(tmp_path / "two", [sources.FromArchive(tmp_path / "a.tar.zst", "0" * 64), fake]).source
        == fake.name
    )


def tarball() -> bytes:
    """A release as code-server makes it: one folder, its Node in `lib/node`."""
    buffer = io.BytesIO()
    folder = f"code-server-{VERSION}-linux-{sources.RELEASE_HASHES[machine()][0]}"
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content, mode in (("lib/node", NODE.encode(), 0o755), ("package.json", b"{}", 0o644)):
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def release() -> Iterator[tuple[str, bytes, list[str]]]:
    """A server with one tarball, which it sends from where it is asked to."""
    content, ranges = tarball(), []

    class Server(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            ranges.append(self.headers.get("Range", ""))
            start = int(ranges[-1].removeprefix("bytes=").removesuffix("-") or 0)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:])

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", content, ranges
        server.shutdown()
        thread.join()


def of_release(base: str, content: bytes) -> Source:
    name = sources.RELEASE_HASHES[machine()][0]
    return sources.FromRelease(base, {machine(): (name, hashlib.sha256(content).hexdigest())})


def test_a_cut_download_goes_on_where_it_ended(tmp_path: Path, release: tuple[str, bytes, list[str]]) -> None:
    base, content, ranges = release
    architecture = sources.RELEASE_HASHES[machine()][0]
    (tmp_path / f"code-server-{VERSION}-linux-{architecture}.tar.gz.part").write_bytes(content[:50])
    assert ensure(tmp_path, [of_release(base, content)]).source == "code-server's release"
    assert ranges == ["bytes=50-"]


def test_a_download_that_is_not_what_was_pinned_is_thrown_away(
    tmp_path: Path, release: tuple[str, bytes, list[str]]
) -> None:
    with pytest.raises(EditorError, match="not what was pinned"):
        ensure(tmp_path, [of_release(release[0], b"something else")])
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
@pytest.mark.browser
def test_what_npm_brought_is_complete_and_trimmed(code_server: Installed) -> None:
    vscode = code_server.entry / "lib/vscode"
    assert {path.name for path in (vscode / "node_modules/node-pty/prebuilds").iterdir()} == {
        f"linux-{machine()}"
    }
    assert not list(vscode.glob("node_modules/@github/copilot-sdk*"))
    assert (vscode / "bin/remote-cli/code-server").exists()
    assert not list(code_server.directory.rglob("*.map"))
