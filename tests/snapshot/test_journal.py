"""The journal: torn tails are nothing, what was acknowledged stays, and one process has it at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitsession.errors import SaveError, SessionError
from gitsession.snapshot.journal import Body, Journal
from gitsession.snapshot.values import Tip


def append(journal: Journal, number: int, content: bytes = b"x") -> Tip:
    body = Body(journal)
    body.add(b"blob", content)
    tip = Tip(number, f"{number:040x}", "ab" * 20)
    journal.append(tip, body)
    return tip


def reopened(directory: Path, settled: int = 0) -> list[Tip]:
    journal = Journal(directory, settled=settled)
    try:
        for record in journal.records:
            for stored in record.stored:
                journal.read(stored)
        return [record.tip for record in journal.records]
    finally:
        journal.close()


def test_records_are_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path, settled=0)
    tips = [append(journal, number, b"%d" % number * 3000) for number in range(1, 6)]
    journal.close()
    assert reopened(tmp_path) == tips


def test_a_torn_tail_is_nothing_at_every_byte(tmp_path: Path) -> None:
    journal = Journal(tmp_path, settled=0)
    first = append(journal, 1)
    start = journal.position
    second = append(journal, 2)
    end = journal.position
    journal.close()
    whole = journal.path.read_bytes()
    for torn in range(start, end):
        journal.path.write_bytes(whole[:torn] + bytes(len(whole) - torn))
        assert reopened(tmp_path) == [first]
    journal.path.write_bytes(whole)
    assert reopened(tmp_path) == [first, second]


def test_a_flipped_bit_ends_the_journal_before_its_record(tmp_path: Path) -> None:
    journal = Journal(tmp_path, settled=0)
    first = append(journal, 1)
    start = journal.position
    append(journal, 2)
    end = journal.position
    journal.close()
    whole = journal.path.read_bytes()
    for position in range(start, end):
        flipped = bytearray(whole)
        flipped[position] ^= 1
        journal.path.write_bytes(flipped)
        assert reopened(tmp_path) == [first]


def test_written_over_from_the_front_after_a_reset(tmp_path: Path) -> None:
    journal = Journal(tmp_path, settled=0)
    for number in range(1, 4):
        append(journal, number, b"long " * 100)
    journal.forget(journal.serial)
    fresh = append(journal, 4)
    settled = journal.serial - 1
    journal.close()
    assert reopened(tmp_path, settled) == [fresh]
    assert reopened(tmp_path, settled + 1) == []


def test_a_large_object_goes_through_in_pieces(tmp_path: Path) -> None:
    content = os.urandom(1 << 20) * 20
    journal = Journal(tmp_path, settled=0)
    tip = append(journal, 1, content)
    assert journal.read(journal.stored()[0]) == content
    journal.close()
    assert reopened(tmp_path) == [tip]


def test_only_one_process_has_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path, settled=0)
    with pytest.raises(SessionError, match="already"):
        Journal(tmp_path, settled=0, patience=0.05)
    journal.close()
    Journal(tmp_path, settled=0, patience=0.05).close()


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_a_failing_disk_leaves_what_was_and_heals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    journal = Journal(tmp_path, settled=0)
    first = append(journal, 1)

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as failing:
        failing.setattr(os, call, fail)
        with pytest.raises(SaveError, match="No space left"):
            append(journal, 2)
    third = append(journal, 3)
    journal.close()
    assert reopened(tmp_path) == [first, third]
