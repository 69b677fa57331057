"""A secret that is planted, and the search for it: in every form, in files and in processes."""

from __future__ import annotations

import base64
import gzip
import os
import re
import threading
import time
import urllib.parse
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import zstandard

from tests.rig.runtime import Runtime

ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
GZIP, ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"
MOST = 64 << 20


@dataclass(frozen=True)
class Canary:
    """A secret and the forms in which it may turn up.

    Example:
        >>> Canary("ghp_0123456789").found(b"x ghp_0123456789 x")
        'raw'
    """

    secret: str

    @cached_property
    def forms(self) -> dict[str, frozenset[bytes]]:
        """By name: raw, base64 at each of its three alignments, URL-encoded, hex, and Basic."""
        raw = self.secret.encode()
        encoded = frozenset(_inner_base64(b"x" * before, raw) for before in range(3))
        every = "".join(f"%{byte:02x}" for byte in raw)
        return {
            "raw": frozenset({raw}),
            "base64": encoded | {form.translate(bytes.maketrans(b"+/", b"-_")) for form in encoded},
            "url": frozenset(
                form.encode() for form in (urllib.parse.quote(self.secret, safe=""), every, every.upper())
            ),
            "hex": frozenset({raw.hex().encode(), raw.hex().upper().encode()}),
            "basic": frozenset({_inner_base64(b"x-access-token:", raw)}),
        }

    def found(self, content: bytes) -> str | None:
        """The name of a form that is in there, as it stands or inflated; None where none is."""
        for text in (content, *inflated(content)):
            for name, forms in self.forms.items():
                if any(form in text for form in forms):
                    return name
        return None

    def files(self, *places: Path, spared: Collection[Path] = ()) -> list[str]:
        """The files below some folders, but not below spared ones, that hold it, or whose name does."""
        return [
            f"{path}: {form}"
            for place in places
            for path in _files(place, spared)
            if (form := self.found(os.fsencode(path)) or self.found(path.read_bytes()))
        ]

    def objects(self, runtime: Runtime, repository: Path) -> list[str]:
        """The lines of any object of a repository that hold it, packed, loose, or out of reach."""
        listed = ("cat-file", "--batch", "--batch-all-objects", "--unordered")
        lines = runtime.run("git", *listed, cwd=repository).stdout.splitlines()
        return [line for line in lines if self.found(line.encode())]


@contextmanager
def watched(runtime: Runtime, findings: set[str], *canaries: Canary) -> Iterator[None]:
    """Poll the arguments and environments of every process that ours start, again and again."""
    done = threading.Event()
    forms = [form for canary in canaries for named in canary.forms.values() for form in named]

    def holds(content: bytes) -> bool:
        return any(form in content for form in forms)

    def poll() -> None:
        while not done.wait(0.002):
            for seen in runtime.processes():
                _look_at(seen.pid, holds, findings)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _look_at(pid: int, holds: Callable[[bytes], bool], findings: set[str]) -> None:
    with suppress(OSError):
        place = Path(f"/proc/{pid}")
        parent = place.joinpath("stat").read_text().rpartition(")")[2].split()[1]
        argv = place.joinpath("cmdline").read_bytes()
        if holds(argv):
            findings.add(f"argv of {argv!r}")
        is_ours = parent != str(os.getpid())
        told = is_ours and holds(place.joinpath("environ").read_bytes())
        if told and not _waits_for_its_exec(place, argv, parent, holds):
            findings.add(f"environment of {argv!r}")


def _waits_for_its_exec(place: Path, argv: bytes, parent: str, holds: Callable[[bytes], bool]) -> bool:
    """Whether a process is its parent's image still: between fork and exec, soon over."""
    if argv != Path(f"/proc/{parent}/cmdline").read_bytes():
        return False
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        if place.joinpath("cmdline").read_bytes() != argv:
            return not holds(place.joinpath("environ").read_bytes())
        time.sleep(0.001)
    return False


def _inner_base64(before: bytes, raw: bytes) -> bytes:
    """What base64 makes of `raw` behind `before`, without the characters that its neighbours change."""
    first, last = -(-len(before) * 8 // 6), (len(before) + len(raw)) * 8 // 6
    return base64.b64encode(before + raw)[first:last]


def _files(place: Path, spared: Collection[Path]) -> Iterator[Path]:
    for folder, below, names in os.walk(place):
        below[:] = [name for name in below if Path(folder) / name not in spared]
        paths = (Path(folder) / name for name in names)
        yield from (path for path in paths if path.is_file() and not path.is_symlink())


def inflated(content: bytes) -> Iterator[bytes]:
    """Whatever was deflated in there, wherever it begins: git's objects and packs, gzip, zstandard."""
    for begins in ZLIB.finditer(content):
        with suppress(zlib.error):
            yield zlib.decompressobj().decompress(content[begins.start() :], MOST)
    if content.startswith(GZIP):
        with suppress(OSError, EOFError, zlib.error):
            yield gzip.decompress(content)
    if content.startswith(ZSTD):
        with suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(content)
