from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from gitsession.editor import archive
from gitsession.errors import FormatError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/run").write_bytes(b"#!/bin/sh\n")
    (folder / "bin/run").chmod(0o755)
    (folder / "bin/link").symlink_to("run")
    (folder / "up").symlink_to("bin")
    (folder / "grüße").write_bytes(os.urandom(300_000))
    return folder


def test_what_is_packed_comes_back(tree: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    digest = archive.pack(tree, tmp_path / "a", seen.append)
    archive.unpack(tmp_path / "a", tmp_path / "out", digest)
    assert (tmp_path / "out/grüße").read_bytes() == (tree / "grüße").read_bytes()
    assert os.access(tmp_path / "out/bin/run", os.X_OK)
    assert (tmp_path / "out/bin/link").readlink() == Path("run")
    assert seen == sorted(seen) and seen[-1] == (tmp_path / "a").stat().st_size


def test_equal_folders_pack_alike(tree: Path, tmp_path: Path) -> None:
    first = archive.pack(tree, tmp_path / "a")
    os.utime(tree / "bin/run", (1, 1))
    assert archive.pack(tree, tmp_path / "b") == first


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "other", "longer"])
def test_a_damaged_archive_is_refused(tree: Path, tmp_path: Path, damage: str) -> None:
    file = tmp_path / "a"
    digest = archive.pack(tree, file)
    content = file.read_bytes()
    if damage == "other":
        (tree / "bin/run").write_bytes(b"#!/bin/evil\n")
        archive.pack(tree, file)
    middle = len(content) // 2
    damaged = {
        "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "cut": content[:middle],
        "empty": b"",
        "other": file.read_bytes(),
        "longer": content + b"x",
    }
    file.write_bytes(damaged[damage])
    with pytest.raises(FormatError):
        archive.unpack(file, tmp_path / "out", digest)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


HOSTILE = {
    "climbs": [member("../evil")],
    "climbs inside": [member("a/../../evil")],
    "absolute": [member("/tmp/evil")],
    "a link out": [member("a", tarfile.SYMTYPE, "../evil")],
    "an absolute link": [member("a", tarfile.SYMTYPE, "/etc/passwd")],
    "a hard link out": [member("a", tarfile.LNKTYPE, "../evil")],
    "through a link": [member("a", tarfile.SYMTYPE, "."), member("a/evil")],
    "over a link": [member("a", tarfile.SYMTYPE, "b"), member("a")],
    "a link that climbs behind a name": [
        member("d", tarfile.SYMTYPE, "."),
        member("e", tarfile.SYMTYPE, "d/../../evil"),
    ],
    "a device": [member("a", tarfile.CHRTYPE)],
    "a pipe": [member("a", tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_writes_nothing_outside(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info in HOSTILE[name]:
            tar.addfile(info, io.BytesIO(b""))
    buffer.seek(0)
    (tmp_path / "out").mkdir()
    with tarfile.open(fileobj=buffer) as tar, pytest.raises(FormatError):
        archive.extract(tar, tmp_path / "out")
    assert not list(tmp_path.rglob("evil"))
