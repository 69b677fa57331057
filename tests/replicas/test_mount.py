"""The storage behind its helper: it may hang, die or vanish, and nothing of ours does."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsession.errors import StorageError
from gitsession.files import digest
from gitsession.replicas.mount import MOST_STUCK, Mount
from tests.rig import processes


@pytest.fixture
def mount(sealed: Path) -> Iterator[Mount]:
    opened = Mount(sealed / "drive", stall=3.0)
    yield opened
    opened.close()


def helper(mount: Mount) -> int:
    (seen,) = processes.carrying(f"mount_worker.py\0{mount.storage}")
    return seen.pid


def written(sealed: Path, size: int = 100) -> tuple[Path, str]:
    source = sealed / "source"
    source.write_bytes(os.urandom(size))
    return source, digest(source).hex()


def test_what_is_put_is_there_and_comes_back(mount: Mount, sealed: Path) -> None:
    source, sha256 = written(sealed, 3_000_000)
    assert mount.put(source, "a/b/c", sha256) == (None, True)
    assert (mount.storage / "a/b/c").read_bytes() == source.read_bytes()
    assert mount.walk("a") == ("b/c",)
    assert mount.get([("a/b/c", sealed / "back")]) == (sha256,)
    assert mount.sha256s(["a/b/c", "a/none"]) == (sha256, None)
    assert mount.heads(["a/b/c", "a/none"], 5) == (source.read_bytes()[:5], None)
    mount.remove(["a/none", "a/b/c"])
    assert mount.walk("a") == ()


def test_a_content_that_does_not_match_its_name_is_not_acknowledged(mount: Mount, sealed: Path) -> None:
    source, _ = written(sealed)
    with pytest.raises(StorageError, match="reads back differently"):
        mount.put(source, "a", "0" * 64)


def test_whether_the_file_beside_is_still_there_is_told(mount: Mount, sealed: Path) -> None:
    source, sha256 = written(sealed)
    mount.put(source, "a/first", sha256)
    assert mount.put(source, "a/second", sha256, root="first") == (None, True)
    assert mount.put(source, "a/third", sha256, root="gone") == (None, False)


def test_a_stalled_storage_is_an_error_and_then_comes_back(mount: Mount, sealed: Path) -> None:
    mount.probe()
    os.kill(helper(mount), signal.SIGSTOP)
    with pytest.raises(StorageError) as stalled:
        mount.probe()
    assert "no answer" in stalled.value.what and stalled.value.hint
    assert mount.probe() == ()


def test_a_helper_that_was_killed_is_started_again(mount: Mount) -> None:
    mount.probe()
    os.kill(helper(mount), signal.SIGKILL)
    for _ in range(2):
        try:
            assert mount.probe() == ()
        except StorageError:
            continue
    assert mount.probe() == ()


def test_nothing_of_ours_stays_after_close(mount: Mount) -> None:
    mount.probe()
    mount.close()
    assert processes.carrying(f"mount_worker.py\0{mount.storage}") == []
    assert MOST_STUCK > 1


def test_nothing_is_written_where_the_mount_is_gone(sealed: Path) -> None:
    source, sha256 = written(sealed)
    unmounted = sealed / "drive"
    unmounted.mkdir()
    mount = Mount(unmounted / "MyDrive" / "gitsession", mountpoint=unmounted)
    with pytest.raises(StorageError, match="is not mounted") as refused:
        mount.put(source, "a", sha256)
    assert "Mount it again" in refused.value.hint
    with pytest.raises(StorageError, match="is not mounted"):
        mount.probe()
    mount.close()
    assert list(unmounted.iterdir()) == []


def test_the_mountpoint_is_found_out(mount: Mount, sealed: Path) -> None:
    mount.probe()
    assert mount.mountpoint is not None and os.path.ismount(mount.mountpoint)


def test_a_folder_that_is_in_the_way_is_told_by_name(mount: Mount, sealed: Path) -> None:
    source, sha256 = written(sealed)
    (mount.storage / "a").mkdir(parents=True)
    with pytest.raises(StorageError) as refused:
        mount.put(source, "a", sha256)
    assert str(mount.storage) in refused.value.what
