"""What can go wrong with git and with what was saved, each told in its own words: see `errors_met.json`."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gitsession.errors import Bug, FormatError, GitError, GitTimeout, RepositoryError, SaveError
from gitsession.git import command, own
from gitsession.git.command import Repository
from gitsession.git.index import Questions
from gitsession.git.objects import Change, Reader
from gitsession.git.staging import intend_to_add
from gitsession.resume import bring, ground
from gitsession.snapshot import extent, shadow, trailers
from gitsession.snapshot.journal import Body, Journal
from gitsession.snapshot.restore import _missing
from gitsession.snapshot.shadow import Shadow
from gitsession.snapshot.state import objects as state_objects
from gitsession.snapshot.state import reading as state_read
from gitsession.snapshot.state.capturing import _Before
from gitsession.snapshot.take import Snapshots
from gitsession.snapshot.user import discover
from gitsession.snapshot.values import Head
from tests.rig import processes
from tests.snapshot.test_journal import append

ONE = "git init -q -b main && mkdir src && echo one > src/one.txt && git add . && git commit -qm One"
NONE = "0" * 40

Transcript = Callable[[str], Path]


@pytest.fixture
def clone(transcript: Transcript) -> Path:
    return transcript(ONE)


def repository(clone: Path) -> Repository:
    return Repository(clone / ".git", clone)


def test_folders_that_are_no_work_tree(tmp_path: Path, transcript: Transcript) -> None:
    for path, words in (
        (tmp_path / "nowhere", "is no directory"),
        (tmp_path, "is not inside the work tree"),
        (transcript("git init -q --object-format=sha256"), "names its objects by sha256"),
    ):
        with pytest.raises(RepositoryError, match=words):
            discover(path)
    for path, words in ((tmp_path, "is no git repository"), (tmp_path / "nowhere", "does not exist")):
        with pytest.raises(RepositoryError, match=words):
            ground.check_path(path)


def test_what_a_clone_does_not_have(clone: Path) -> None:
    with pytest.raises(RepositoryError, match="There is no branch, tag or commit 'release'"):
        bring.check_out(discover(clone), "release")
    with pytest.raises(RepositoryError, match="pull request 7 cannot be had"):
        bring.check_out(discover(clone), None, pull=7)
    with pytest.raises(RepositoryError, match="Nothing to commit"):
        own.commit_all(repository(clone), "Nothing")
    repository(clone).run("checkout", "--quiet", "--detach")
    with pytest.raises(GitError, match="HEAD is detached"):
        own.push_branch(repository(clone))


def test_a_git_that_takes_too_long(clone: Path) -> None:
    with pytest.raises(GitTimeout, match="did not end within 0 s"):
        command.plain("status", cwd=clone, timeout=0)


def test_an_index_that_another_git_holds(clone: Path) -> None:
    (clone / ".git/index.lock").write_text("")
    with pytest.raises(GitError, match="The index is locked"):
        intend_to_add(clone / ".git/index", {"new.txt": 0o100644}, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")


def kill(asked: Any) -> None:
    process = asked._process
    processes.send(signal.SIGKILL, [process.pid])
    process.wait()


def test_a_git_that_is_killed_while_it_is_asked(clone: Path) -> None:
    questions = Questions(repository(clone), ("check-ignore", "--stdin", "-z", "-v", "-n"), 4)
    assert questions.ask(b"a")[-1] == b"a"
    kill(questions)
    with pytest.raises(GitError, match="git check-ignore ended unexpectedly"):
        questions.ask(b"b")
    assert questions.ask(b"b")[-1] == b"b"
    questions.close()


def test_a_git_that_is_killed_while_it_reads(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Reader(repository(clone)) as plain, Reader(repository(clone), filtered=True) as filtered:
        asked: list[tuple[Reader, Callable[[], object], str]] = [
            (plain, lambda: plain.read("HEAD"), "git cat-file ended while reading HEAD"),
            (filtered, lambda: filtered.as_checked_out("HEAD:src", "x"), r"git could not convert x\."),
        ]
        for reader, read, words in asked:
            reader.start()
            pipes = reader._pipes()
            kill(reader)
            monkeypatch.setattr(reader, "_pipes", partial(tuple, (io.BytesIO(), pipes[1])))
            with pytest.raises(GitError, match=words):
                read()


def test_an_object_that_is_gone(clone: Path, sealed: Path) -> None:
    with Shadow.open(sealed / "shadow", discover(clone)) as opened:
        with pytest.raises(SaveError, match="There is no snapshot yet"):
            opened.newest()
        with pytest.raises(GitError, match=f"The object {NONE} is missing"):
            opened.read(bytes(20))
        saver = object.__new__(Snapshots)
        saver._shadow = opened
        with pytest.raises(GitError, match=f"HEAD's commit {NONE} is missing"):
            saver._tree_of_head(Head("refs/heads/main", NONE))
    with Reader(repository(clone)) as reader, pytest.raises(GitError, match=f"The tree {NONE}.* is missing"):
        extent.check(reader, NONE, None)
    change = Change(b"src/one.txt", b"100644", b"100644", NONE, NONE)
    with pytest.raises(GitError, match=r"The content of src/one\.txt is missing"):
        raise _missing(change)


def test_what_was_saved_and_is_torn(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="A tree is damaged"):
        state_objects.parse_tree(b"100644 torn")
    with pytest.raises(FormatError, match="larger than any that we write"):
        state_read._folder(repository(clone), "HEAD", "src", 0)
    with pytest.raises(FormatError, match="not the message of a snapshot"):
        trailers.parse("One\n")
    with pytest.raises(GitError, match="The snapshot of this state is missing"):
        _Before.read(repository(clone), NONE, None)
    (tmp_path / "settled").write_text(json.dumps({"format": 999}))
    with pytest.raises(FormatError, match="by a newer gitsession"):
        shadow._read_settled(tmp_path / "settled")


def test_local_state_that_was_deleted_while_it_is_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path, settled=0)
    append(journal, 1)
    journal.path.unlink()
    with pytest.raises(SaveError, match="was deleted"):
        append(journal, 2)
    journal.close()


def test_a_journal_that_moved_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path, settled=0)
    late = Body(journal)
    tip = append(journal, 1)
    with pytest.raises(Bug, match="moved on"):
        journal.append(tip, late)
    journal.close()
