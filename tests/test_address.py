"""What people write for a repository, and what is refused before git sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.address import github_server, parse_address
from gitsession.errors import AddressError


@pytest.mark.parametrize(
    ("text", "url", "key"),
    [
        ("ada/engine", "https://github.com/ada/engine", "github.com/ada/engine"),
        ("ada/engine.git", "https://github.com/ada/engine", "github.com/ada/engine"),
        ("https://github.com/Ada/Engine", "https://github.com/Ada/Engine", "github.com/ada/engine"),
        ("https://www.github.com/ada/engine/", "https://github.com/ada/engine", "github.com/ada/engine"),
        ("github.com/ada/engine", "https://github.com/ada/engine", "github.com/ada/engine"),
        ("https://h.example:8443/ada/x.git", "https://h.example:8443/ada/x.git", "h.example_8443/ada/x"),
        ("git@github.com:ada/engine.git", "git@github.com:ada/engine.git", "github.com/ada/engine"),
        ("ssh://git@github.com/ada/engine", "ssh://git@github.com/ada/engine", "github.com/ada/engine"),
    ],
)  # fmt: skip
def test_reads(text: str, url: str, key: str) -> None:
    found = parse_address(text)
    assert (found.url, found.key) == (url, key)


@pytest.mark.parametrize(
    ("text", "ref", "file", "pull"),
    [
        ("https://github.com/a/b/tree/feature/x", "feature/x", None, None),
        ("https://github.com/a/b/blob/main/n/x.ipynb", "main", "n/x.ipynb", None),
        ("https://github.com/a/b/pull/7/files", None, None, 7),
        ("https://colab.research.google.com/github/a/b/blob/main/x.ipynb", "main", "x.ipynb", None),
    ],
)
def test_reads_views(text: str, ref: str | None, file: str | None, pull: int | None) -> None:
    found = parse_address(text)
    assert (found.slug, found.ref, found.file, found.pull) == ("a/b", ref, file, pull)


def test_another_server() -> None:
    found = parse_address("ada/engine", server_url="https://127.0.0.1:8443/")
    assert (found.url, found.host) == ("https://127.0.0.1:8443/ada/engine", "127.0.0.1:8443")


def test_paths(tmp_path: Path) -> None:
    found = parse_address("./x.git", base=tmp_path)
    assert (found.is_path, found.host, found.name, found.url) == (True, "local", "x", str(tmp_path / "x.git"))
    assert found.key == parse_address(str(tmp_path / "x.git")).key
    assert found.key != parse_address(str(tmp_path / "y.git")).key


@pytest.mark.parametrize(
    "text",
    ["", " ", " a/b", "a/b ", "-a/b", "--upload-pack=touch x", "a", "a/b/c", "a/..", "../a/b\0",
     "a/b\n", "a\tb/c",
     "ext::sh -c id", "ext::https://x", "https://token@github.com/a/b",
     "https://u:p@github.com/a/b", "ftp://x/a/b", "~0/x",
     "javascript://x", "https://", "https:///a/b", "https://github.com", "https://github.com/a", "https://-x/a/b",
     "https://github.com/a/../b", "https://github.com/a/%2e%2e/b", "git@-x:a/b", "git@x:-a/b", "git@x:../b",
     "a/b\u202e", "a/b.lock", "x" * 3000, "https://h\\x/a/b", "https://colab.research.google.com/drive/1"],
)  # fmt: skip
def test_refuses(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)


@given(st.text(max_size=60))
def test_an_answer_or_a_clear_error(text: str) -> None:
    try:
        found = parse_address(text, base=Path("/base"))
    except AddressError as error:
        assert error.what
    else:
        assert not found.url.startswith("-")
        assert "\n" not in found.url


@pytest.mark.parametrize(
    "named", ["nonsense", "ftp://x", "https://", "https://[half of it", "https://t@x", "https://x/y"]
)
def test_a_server_s_address_is_one(named: str) -> None:
    with pytest.raises(AddressError, match="GITHUB_SERVER_URL is "):
        github_server({"GITHUB_SERVER_URL": named})


@pytest.mark.parametrize("named", ["https://git.example.org/", "https://git.example.org:8443"])
def test_a_server_of_one_s_own_is_meant(named: str) -> None:
    server = github_server({"GITHUB_SERVER_URL": named})
    assert parse_address("ada/engine", server_url=server).url == f"{named.rstrip('/')}/ada/engine"
    assert github_server({"GITHUB_SERVER_URL": ""}) == github_server({}) == "https://github.com"
