from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.errors import FormatError
from gitsession.git.bundle import Header, header, parse_header
from gitsession.model import SessionName
from gitsession.replicas.bundles import (
    Claim,
    Mark,
    base_name,
    claim,
    increment_name,
    newest_version,
    read_listing,
    refs_for,
)

OID, OTHER, SHA = "a" * 40, "b" * 40, "c" * 64
SESSION = SessionName("ada", "lesson")
PLACE = "sessions/ada/lesson/r1"


def test_names_are_read_back() -> None:
    listing = read_listing(
        [
            f"{PLACE}/{increment_name(12, OID, SHA)}",
            f"{PLACE}/finished-{OID}",
            f"base/{base_name(OTHER, SHA)}",
            f"held/{SHA}",
        ]
    )
    (increment,) = listing.increments
    assert (increment.number, increment.state, increment.sha256) == (12, OID, SHA)
    assert (increment.session, increment.runtime) == (SESSION, "r1")
    assert [base.oid for base in listing.bases] == [OTHER]
    assert listing.held == {SHA: f"held/{SHA}"}
    assert listing.finished == {SESSION}
    assert listing.marks == (Mark("finished", SESSION, "r1", OID),)
    assert listing.skipped == ()


@pytest.mark.parametrize(
    "path",
    [
        "desktop.ini",
        "base/readme.txt",
        f"base/{OID}.bundle",
        f"held/{SHA}.part",
        f"{PLACE}/01-{OID}.{SHA}.bundle",
        f"{PLACE}/1-{OID}.{SHA}.bundle.tmp",
        f"{PLACE}/deeper/1-{OID}.{SHA}.bundle",
        f"sessions/ada/-x/r1/1-{OID}.{SHA}.bundle",
        f"sessions/ada/lesson/../1-{OID}.{SHA}.bundle",
        f"sessions/ada/lesson/r 1/1-{OID}.{SHA}.bundle",
    ],
)
def test_foreign_files_are_skipped_with_a_reason(path: str) -> None:
    listing = read_listing([path])
    assert listing.increments == () and listing.bases == () and listing.held == {}
    assert [one.path for one in listing.skipped] == [path] and listing.skipped[0].reason


def test_a_duplicate_counts_once_and_stands_in_where_the_original_is_gone() -> None:
    name = f"{PLACE}/{increment_name(1, OID, SHA)}"
    assert [one.path for one in read_listing([f"{name} (1)", name]).increments] == [name]
    assert [one.path for one in read_listing([f"{name} (2)"]).increments] == [f"{name} (2)"]


def test_increments_are_ordered_by_number_and_not_by_name() -> None:
    names = [f"{PLACE}/{increment_name(number, OID, SHA)}" for number in (10, 9, 100)]
    assert [one.number for one in read_listing(names).of(SESSION)["r1"]] == [9, 10, 100]


def test_headers_are_read_back() -> None:
    refs = refs_for(SESSION, OTHER, 42, OID, 3)
    found = parse_header(header(refs, [OTHER]) + b"PACK\n\n")
    assert (found.refs, found.prerequisites) == (refs, (OTHER,))
    assert claim(found) == Claim(OTHER, 42, 3)
    assert claim(Header({"refs/heads/main": OID}, (), 0)) == Claim()


@pytest.mark.parametrize(
    "content",
    [b"", b"PACK", b"# v2 git bundle\n", b"# v2 git bundle\nxyz refs/a\n\n", b"# v9 git bundle\n\n"],
)
def test_a_damaged_header_is_a_format_error(content: bytes) -> None:
    with pytest.raises(FormatError):
        parse_header(content)


@given(st.binary(max_size=200))
def test_no_header_breaks_the_parser(content: bytes) -> None:
    for start in (b"", b"# v2 git bundle\n"):
        try:
            parse_header(start + content)
        except FormatError:
            continue


def test_the_newest_version_is_told_by_the_folders() -> None:
    assert newest_version(["gitsession-v1", "gitsession-v12", "photos", "gitsession-vx"]) == 12
    assert newest_version([]) == 0
