"""Atomic writes: the old or the new, never half, and nothing left over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gitsession import files


def test_replaces_whole_and_private(tmp_path: Path) -> None:
    target = tmp_path / "file"
    files.write_atomically(target, b"old")
    files.write_atomically(target, b"new")
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_old_one_and_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError), files.atomic_path(target) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_directories_are_private(tmp_path: Path) -> None:
    made = files.make_directory(tmp_path / "a/b/c")
    assert files.make_directory(made) == made
    assert {path.stat().st_mode & 0o777 for path in (made, made.parent)} == {0o700}


def test_clears_what_a_killed_process_left(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.touch()
    files.temporary_name(kept).touch()
    (files.temporary_name(kept) / "below").mkdir(parents=True)
    files.clear_temporaries(tmp_path)
    assert list(tmp_path.iterdir()) == [kept]


def test_temporary_names_are_not_predictable(tmp_path: Path) -> None:
    assert len({files.temporary_name(tmp_path / "x") for _ in range(100)}) == 100


KILLED = """
import os, signal, sys
from pathlib import Path
from gitsession import files
with files.folder_in_use(Path(sys.argv[1])) as folder:
    (folder / "big").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_in_use_is_private_to_its_process_and_gone_after_it(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=60, check=False)
    (left,) = tmp_path.iterdir()
    (other := tmp_path / "mine").mkdir()
    with files.folder_in_use(tmp_path) as folder, files.folder_in_use(tmp_path) as second:
        assert not left.exists()
        assert {*tmp_path.iterdir()} == {other, folder, second}
    assert [*tmp_path.iterdir()] == [other]
