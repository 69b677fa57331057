"""States that somebody else wrote: refused whole, or without what would run something."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsession.errors import FormatError, WorkTreeError
from gitsession.git import lookup, staging
from gitsession.snapshot import state
from gitsession.snapshot.state import modified, operations
from gitsession.snapshot.state.objects import FILE_MODE, TREE_MODE, Batch
from tests.rig.repositories import git, transcript
from tests.snapshot.places import Places, agree

OID = "a" * 40


@pytest.fixture
def places(sealed: Path) -> Places:
    return Places.make(sealed)


def refuse(question: str) -> bool:
    return False


class Listener:
    """Answers every question alike and keeps them."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, question: str) -> bool:
        self.asked.append(question)
        return self.answer


def leave(files: dict[str, tuple[int, str]], batch: Batch) -> None:
    """Forge nothing."""


def forged(places: Places, change: Callable[[dict[str, tuple[int, str]], Batch], object]) -> state.Captured:
    """A state whose small files somebody changed; modes other than plain ones are theirs to choose."""
    good = places.capture()
    batch = Batch()
    listed = lookup.tree_files(places.into, good.oid, "version", "session.json", "lease.json", "held.json")
    listed |= lookup.tree_files(places.into, good.oid, "HEAD", "refs.json", "config.json", "operation/")
    files = {path: (mode, oid) for path, (mode, _, oid, _) in listed.items()}
    files["index/entries"] = (TREE_MODE, git(places.shadow, "rev-parse", f"{good.oid}:index/entries"))
    change(files, batch)
    who = "x <x@example.org> 1 +0000"
    oid = batch.commit(batch.tree(files), [str(places.snapshot), *good.tips], who, "forged")
    batch.write(places.into)
    return state.Captured(oid, good.tips, (), "")


def put(
    name: str, content: object, mode: int = FILE_MODE
) -> Callable[[dict[str, tuple[int, str]], Batch], None]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()

    def change(files: dict[str, tuple[int, str]], batch: Batch) -> None:
        files[name] = (mode, batch.blob(data)[1])

    return change


REFUSED = {
    "newer": put("version", b"2\n"),
    "no version": put("version", b"one\n"),
    "no json": put("refs.json", b"{"),
    "deep json": put("refs.json", b"[" * 100_000),
    "ref outside": put(
        "refs.json", {"complete": True, "left_out": [], "refs": {"refs/heads/../../config": OID}}
    ),
    "ref elsewhere": put(
        "refs.json", {"complete": True, "left_out": [], "refs": {"refs/gitsession/a/b": OID}}
    ),
    "no oid": put("refs.json", {"complete": True, "left_out": [], "refs": {"refs/heads/x": "HEAD"}}),
    "head elsewhere": put("HEAD", b"ref: refs/remotes/origin/main\n"),
    "head of two lines": put("HEAD", b"ref: refs/heads/x\nref: refs/heads/y\n"),
    "setting that runs": put("config.json", {"core.fsmonitor": ["touch pwned"]}),
    "remote that runs": put("config.json", {"branch.main.remote": ["ext::sh -c touch% pwned"]}),
    "session": put("session.json", {"login": "..", "name": "x", "number": 1}),
    "number": put("session.json", {"login": "a", "name": "x", "number": -1}),
    "hook": put("operation/hooks/post-checkout", b"#!/bin/sh\ntouch pwned\n"),
    "config": put("operation/config", b"[core]\nfsmonitor = touch pwned\n"),
    "unknown file": put("operation/rebase-merge/run-me", b"x"),
    "nested file": put("operation/rebase-merge/a/b", b"x"),
    "link": put("operation/MERGE_MSG", b"/etc/passwd", 0o120000),
    "link as json": put("operation/rebase-merge", b"/tmp", 0o120000),
    "no oid in operation": put("operation/ORIG_HEAD", b"ref: refs/heads/main\n"),
    "author that runs": put("operation/rebase-merge/author-script", b"GIT_AUTHOR_NAME=$(touch pwned)\n"),
    "paths that run": put("operation/BISECT_NAMES", b"$(touch pwned)\n"),
    "option to go back to": put("operation/BISECT_START", b"--orphan=x\n"),
    "branch to go back to": put("operation/rebase-merge/head-name", b"refs/remotes/origin/main\n"),
    "refs to delete": put("operation/rebase-merge/refs-to-delete", b"refs/heads/main\n"),
    "refs to update": put("operation/rebase-merge/update-refs", f"HEAD\n{OID}\n{OID}\n".encode()),
    "times elsewhere": put("mtimes/=..%2F..%2Fetc", b"5 passwd\0"),
    "times of git": put("mtimes/=.git", b"5 config\0"),
    "submodule elsewhere": put("submodules.json", {"../x": OID}),
    "flags elsewhere": put("index/flags.json", {"skip_worktree": [".git/config"]}),
    "log with lines": put(
        "stash.json", [{"oid": OID, "message": "a\nb", "name": "n", "email": "e", "when": "1 +0000"}]
    ),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=list(REFUSED))
def test_a_forged_state_is_refused_and_changes_nothing(places: Places, change: object) -> None:
    places.take()
    captured = forged(places, change)  # type: ignore[arg-type]
    with pytest.raises(FormatError):
        places.resume(captured)
    new = places.root / "new1"
    assert not list(places.root.rglob("pwned"))
    assert git(new, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert not (new / ".git/rebase-merge").exists()
    assert git(new, "reflog", "HEAD").count("resumed") == 0


@pytest.mark.parametrize("name", REFUSED)
def test_a_forged_state_is_told_before_anything_is_taken_from_it(places: Places, name: str) -> None:
    """A newer one is whole: what it holds must not be passed over for something older."""
    places.take()
    assert bool(state.flaw(places.into, forged(places, REFUSED[name]).oid)) is (name != "newer")


def test_the_unforged_state_passes(places: Places) -> None:
    places.take()
    captured = forged(places, leave)
    assert not state.flaw(places.into, captured.oid)
    places.resume(captured)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_line_that_runs_something_needs_consent(places: Places, allowed: bool) -> None:
    transcript(
        places.old,
        """
        git checkout -q -b side HEAD~1; echo side >> a.txt; git commit -qam side
        GIT_SEQUENCE_EDITOR=: git rebase --exec 'touch ../ran' main || true
        """,
    )
    places.take()
    listener = Listener(allowed)
    new, applied = places.resume(places.capture(), listener)
    assert any("touch ../ran" in question for question in listener.asked)
    assert bool(applied.refused) is not allowed
    transcript(
        new, "grep -v '^[<=>]' a.txt > c; mv c a.txt; git add a.txt; GIT_EDITOR=: git rebase --continue"
    )
    assert (places.root / "ran").exists() is allowed


STEPS = (
    "exec touch pwned",
    "x touch pwned",
    "\texec touch pwned",
    "  x\ttouch pwned",
    "exec\ttouch pwned",
    "update-ref refs/remotes/origin/main",
    "unknown thing",
)


@pytest.mark.parametrize("step", STEPS)
def test_steps_that_git_does_not_know_as_harmless_are_left_out(step: str) -> None:
    kept = {"rebase-merge/git-rebase-todo": f"pick {OID} x\n{step}\n# note\nbreak\n".encode()}
    assert operations.checked(kept, refuse) == {
        "rebase-merge/git-rebase-todo": f"pick {OID} x\n# note\nbreak\n".encode()
    }
    assert operations.checked(kept, agree) == kept


@pytest.mark.parametrize("name", ["strategy", "strategy_opts", "gpg_sign_opt"])
def test_options_that_name_a_program_need_consent(name: str) -> None:
    files = {f"rebase-merge/{name}": b"evil"}
    assert operations.checked(files, refuse) == {}
    assert operations.checked(files, agree) == files


def test_options_of_a_stopped_cherry_pick_are_chosen_line_by_line() -> None:
    options = b"[options]\n\tsignoff = true\n\tstrategy = evil\n\tgpg-sign = k\n\tstrategy = ort\n"
    assert operations.checked({"sequencer/opts": options}, refuse) == {
        "sequencer/opts": b"[options]\n\tsignoff = true\n\tstrategy = ort\n"
    }


def test_a_question_holds_nothing_that_a_terminal_obeys() -> None:
    listener = Listener(False)
    operations.checked({"sequencer/todo": b"exec echo \x1b[2J\r\x07\n"}, listener)
    assert listener.asked[0].isprintable()


def test_nothing_is_applied_over_an_operation(places: Places) -> None:
    places.take()
    captured = places.capture()
    git(places.old, "bisect", "start")
    with pytest.raises(WorkTreeError):
        state.apply(captured.oid, places.into, places.user, consent=refuse)


@given(st.dictionaries(st.sampled_from(sorted(operations.ALLOWED)), st.binary(max_size=200), max_size=4))
def test_any_content_is_parsed_or_refused(files: dict[str, bytes]) -> None:
    try:
        kept = operations.checked(files, refuse)
    except FormatError:
        return
    assert set(kept) <= set(files)


@given(st.binary(max_size=300))
def test_any_index_is_parsed_or_refused(content: bytes) -> None:
    for index in (content, b"DIRC\0\0\0\2\0\0\0\2" + content, b"DIRC\0\0\0\4\0\0\0\2" + content):
        try:
            staging.parse(index)
        except FormatError:
            continue


@given(
    st.text(min_size=1).filter(lambda name: not {"/", "\0"} & set(name)),
    st.integers(0, 2**62),
)
def test_times_round_trip(name: str, ns: int) -> None:
    if name in (".", "..") or name.lower() == ".git":
        return
    written = modified.dump({name: ns})
    assert modified.parse(modified.name_of(name), written) == (name, {name: ns})
