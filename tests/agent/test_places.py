from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitsession.address import parse_address
from gitsession.agent import places
from gitsession.agent.places import Places
from gitsession.errors import AgentError
from gitsession.model import SessionName


def test_the_state_lies_where_gitsession_home_says(sealed: Path) -> None:
    assert places.home() == sealed / "s"


def test_without_gitsession_home_it_lies_in_the_users_state_folder(
    sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITSESSION_HOME")
    assert places.home().is_relative_to(sealed / "home")


def test_a_key_depends_on_repository_session_and_work_tree() -> None:
    ada = SessionName("ada", "one")
    repository = parse_address("ada/engine")
    keys = {
        places.session_key(repository, ada, Path("/work")),
        places.session_key(parse_address("ada/other"), ada, Path("/work")),
        places.session_key(repository, SessionName("ada", "two"), Path("/work")),
        places.session_key(repository, ada, Path("/elsewhere")),
    }
    assert len(keys) == 4
    assert {len(key) for key in keys} == {16}
    assert places.session_key(repository, ada, Path("/work")) in keys


def test_sockets_stay_under_100_bytes_however_long_the_home_is(sealed: Path) -> None:
    short, long = Places("k" * 16, sealed), Places("k" * 16, sealed / ("x" * 90))
    assert short.agent_socket == short.directory / "agent.sock"
    for path in (long.agent_socket, long.keeper_socket):
        assert len(os.fsencode(path)) < places.SOCKET_PATH_LIMIT
    assert long.agent_socket != Places("k" * 16, sealed / ("y" * 90)).agent_socket


def test_a_work_tree_s_editor_has_a_folder_that_sockets_fit_into(sealed: Path) -> None:
    tree, short = Path("/work"), places.editor_folder(Path("/work"), sealed)
    assert short.is_relative_to(sealed) and short == places.editor_folder(tree, sealed)
    assert short != places.editor_folder(Path("/elsewhere"), sealed)
    long = places.editor_folder(tree, sealed / ("x" * 90))
    assert len(os.fsencode(long)) < places.EDITOR_PATH_LIMIT
    assert long != places.editor_folder(tree, sealed / ("y" * 90))


def test_what_is_created_is_private(sealed: Path) -> None:
    place = Places("k" * 16, sealed / "s")
    place.create()
    assert place.log.parent.is_dir()
    assert place.directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to somebody else")
def test_a_socket_folder_of_somebody_else_is_refused(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = sealed / "theirs"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    monkeypatch.setattr(Places, "agent_socket", theirs / "agent.sock")
    with pytest.raises(AgentError, match="somebody else"):
        Places("k" * 16, sealed / "s").create()


def test_all_places_names_every_session_with_state(sealed: Path) -> None:
    assert places.all_places() == ()
    for key in ("b" * 16, "a" * 16):
        Places(key, places.home()).create()
    assert [place.key for place in places.all_places()] == ["a" * 16, "b" * 16]
