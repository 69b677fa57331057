"""The storage that is asked for last: where it may lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitsession.address import parse_address
from gitsession.agent.configuration import Configuration, save
from gitsession.agent.places import all_places
from gitsession.errors import StorageError
from gitsession.model import Identity, SessionName
from gitsession.resume.given import settle_storage
from gitsession.resume.ground import Ground, glance, survey_remote
from gitsession.resume.options import Options
from gitsession.runtime.colab import Colab
from gitsession.runtime.local import Local


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


def opened(worktree: Path, repo: str, storage: Path | None) -> None:
    """A session that this machine had: the later call is the later one."""
    name, author = SessionName("ada", "one"), Identity("Ada", "ada@example.org")
    where = None if storage is None else str(storage)
    configuration = Configuration(parse_address(repo), name, worktree, "r1", author, storage=where)
    save(configuration)
    at = 1_000_000_000 * (1 + len(all_places()))
    os.utime(configuration.places.configuration, ns=(at, at))


def test_who_names_no_storage_has_the_one_of_the_latest_session_here(sealed: Path, tmp_path: Path) -> None:
    machine = Local()

    def chosen(repo: str, named: str | None = None, **environ: str) -> tuple[str | None, str | None]:
        options = Options(repo, storage=named, workdir=sealed / "tree")
        seen = glance(options, runtime=machine, environ=environ)
        return seen.storage, survey_remote(repo, named, runtime=machine, environ=environ).storage

    default = str(machine.default_storage())
    assert chosen("ada/engine") == (default, default)
    opened(sealed / "first", "ada/engine", tmp_path / "a")
    opened(sealed / "second", "ada/engine", tmp_path / "b")
    opened(sealed / "third", "ada/other", tmp_path / "c")
    assert chosen("ada/engine") == (str(tmp_path / "b"),) * 2
    assert chosen("ada/new") == (default, default)
    assert chosen("ada/engine", named="none") == (None, None)
    assert chosen("ada/engine", GITSESSION_STORAGE=str(tmp_path / "d")) == (str(tmp_path / "d"),) * 2


def test_the_storage_of_the_session_that_one_stands_in_is_none_of_another_repository(
    sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sealed / "tree").mkdir()
    opened(sealed / "tree", "ada/engine", tmp_path / "a")
    monkeypatch.chdir(sealed / "tree")
    machine = Local()
    seen = survey_remote("ada/other", None, runtime=machine, environ={})
    assert seen.storage == str(machine.default_storage())


def test_the_storage_of_before_is_not_taken_where_the_person_is_asked_for_it(
    sealed: Path, tmp_path: Path
) -> None:
    opened(sealed / "tree", "ada/engine", tmp_path / "drive" / "MyDrive" / "gitsession")
    options = Options("ada/engine", workdir=sealed / "tree")
    assert glance(options, runtime=Colab(tmp_path), environ={}).storage is None
