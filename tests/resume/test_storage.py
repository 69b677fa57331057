"""The storage that is asked for last: where it may lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitsession.address import parse_address
from gitsession.errors import StorageError
from gitsession.resume.given import settle_storage
from gitsession.resume.ground import Ground
from gitsession.resume.options import Options
from gitsession.runtime.colab import Colab


def settled(tmp_path: Path, worktree: Path) -> str | None:
    (tmp_path / "drive" / "MyDrive").mkdir(parents=True)
    ground = Ground(parse_address("ada/engine"), worktree, None, None)
    return settle_storage(
        Options("ada/engine"),
        ground,
        Colab(tmp_path),
        environ={},
        remote_holds_it=False,
        tell=lambda _: None,
    ).ground.storage


def test_drive_that_is_chosen_last_lies_apart_from_the_work_tree(sealed: Path, tmp_path: Path) -> None:
    assert settled(tmp_path, sealed / "engine") == str(tmp_path / "drive" / "MyDrive" / "gitsession")


@pytest.mark.parametrize("inside", ["drive", "drive/MyDrive/gitsession/engine"])
def test_a_work_tree_around_or_in_the_drive_that_is_chosen_last_is_refused(
    sealed: Path, tmp_path: Path, inside: str
) -> None:
    with pytest.raises(StorageError, match="lies inside"):
        settled(tmp_path, tmp_path / inside)
