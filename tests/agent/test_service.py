from __future__ import annotations

import json
import os
import resource
import threading
import time

import pytest

from gitsession.agent import control
from gitsession.errors import RefusedError, SessionError, UsageError
from tests.agent.conftest import Running, wait_for
from tests.agent.test_refusals_words import KEY
from tests.rig.repositories import git


@pytest.mark.slow
def test_a_change_reaches_vault_and_remote_by_itself(running: Running) -> None:
    running.until(lambda status: status["state"] == "safe")
    running.write("src/new.py", "print(1)\n")
    status = running.until(lambda status: status["snapshot"]["number"] == 2)
    assert status["branch"] == "session/ada/lesson"
    running.until(lambda status: all(replica["acknowledged"] == 2 for replica in status["replicas"]))
    assert running.at_remote("src/new.py") == "print(1)"
    assert running.status()["at_risk"] == []


def test_the_users_repository_is_not_touched(running: Running) -> None:
    running.until(lambda status: status["state"] == "safe")
    git_dir = running.tree / ".git"
    before = {
        path: path.read_bytes()
        for path in git_dir.rglob("*")
        if path.is_file() and "objects" not in path.parts and "hooks" not in path.parts
    }
    running.write("one.txt", "changed")
    assert running.flush() == []
    assert {path: path.read_bytes() for path in before} == before


def test_flush_ships_at_once_and_says_what_is_missing(running: Running) -> None:
    running.write("one.txt", "changed")
    assert running.flush("safe") == []
    assert running.at_remote("one.txt") == "changed"
    running.write("one.txt", "again")
    assert running.flush("local") == []
    assert running.flush() == []
    assert {replica["pending"] for replica in running.status()["replicas"]} == {0}


def test_a_change_of_git_state_alone_is_shipped_without_a_snapshot(running: Running) -> None:
    assert running.flush() == []
    state = git(running.remote, "rev-parse", "refs/gitsession/ada/lesson")
    running.write("one.txt", "staged")
    assert running.flush() == []
    number = running.status()["snapshot"]["number"]
    git(running.tree, "add", "one.txt")
    assert running.flush() == []
    assert running.status()["snapshot"]["number"] == number
    assert git(running.remote, "rev-parse", "refs/gitsession/ada/lesson") != state


def test_content_that_is_only_here_is_at_risk(prepared: Running) -> None:
    prepared.relaunched(storage=None, publish=False)
    prepared.write("one.txt", "only here")
    status = prepared.until(
        lambda status: status["snapshot"] is not None and status["snapshot"]["number"] > 1
    )
    assert "one.txt" in status["at_risk"]
    assert status["state"] in ("local", "saving")
    assert status["branch"] is None
    assert any("neither a vault nor a remote" in note for note in status["notes"])
    assert prepared.flush("local") == []
    assert prepared.flush() != []


def test_one_replica_failing_never_delays_the_other(prepared: Running) -> None:
    prepared.remote.rename(prepared.folder / "away.git")
    prepared.launch()
    prepared.until(lambda status: status["state"] == "stored")
    wait_for(lambda: prepared.replica("remote")["error"], "the remote's failure")  # which may come later
    assert prepared.flush() == []
    missing = prepared.flush("safe", seconds=1.0)
    assert any("remote" in line for line in missing)
    (prepared.folder / "away.git").rename(prepared.remote)
    assert prepared.flush("safe") == []


@pytest.mark.slow
def test_a_file_with_a_secret_stays_here_and_the_rest_leaves(running: Running) -> None:
    assert running.flush() == []
    key = "AKIA" + "QWERTYUIOPASDFGH"
    running.write("keys.py", f'aws_key = "{key}"\n')
    running.write("one.txt", "harmless")
    running.until(lambda status: any(held["path"] == "keys.py" for held in status["held"]))
    missing = running.flush("safe")
    assert running.at_remote("one.txt") == "harmless"
    assert any("keys.py" in line for line in missing)
    assert key not in git(running.remote, "log", "--all", "--patch", "--format=%B")
    running.write("keys.py", 'aws_key = os.environ["AWS_KEY"]\n')
    assert running.flush("safe") == []
    assert "environ" in running.at_remote("keys.py")


@pytest.mark.slow
def test_a_session_that_somebody_else_took_over_goes_on_as_a_fork(running: Running) -> None:
    assert running.flush("safe") == []
    theirs = git(running.remote, "commit-tree", "main^{tree}", "-m", "theirs")
    for ref in ("refs/gitsession/ada/lesson", "refs/heads/session/ada/lesson"):
        git(running.remote, "update-ref", ref, theirs)
    running.write("one.txt", "mine")
    status = running.until(lambda status: status["session"] == "lesson-fork-1")
    assert any("lesson-fork-1" in note for note in status["notes"])
    assert running.flush("safe") == []
    assert git(running.remote, "rev-parse", "refs/heads/session/ada/lesson") == theirs
    assert git(running.remote, "show", "session/ada/lesson-fork-1:one.txt") == "mine"


@pytest.mark.slow
def test_a_fork_takes_a_name_that_no_other_runtime_has_taken(running: Running) -> None:
    """With a name tried by turns, four runtimes that forked one session never were safe again."""
    assert running.flush("safe") == []
    theirs = git(running.remote, "commit-tree", "main^{tree}", "-m", "theirs")
    for name in ("lesson", "lesson-fork-1", "lesson-fork-2", "lesson-fork-3"):
        for prefix in ("refs/gitsession/ada", "refs/heads/session/ada"):
            git(running.remote, "update-ref", f"{prefix}/{name}", theirs)
    running.write("one.txt", "mine")
    assert running.flush("safe") == []
    assert running.status()["session"] == "lesson-fork-4"
    assert running.log().count('"forked"') == 1


def test_status_answers_and_the_vault_goes_on_while_the_remote_hangs(prepared: Running) -> None:
    (prepared.remote / "HEAD").unlink()
    os.mkfifo(prepared.remote / "HEAD")
    prepared.launch()
    prepared.write("one.txt", "while the remote hangs")
    prepared.until(lambda status: status["snapshot"]["number"] == 2)
    assert prepared.flush("stored") == []
    assert prepared.replica("remote")["acknowledged"] == 0
    missing = prepared.flush("safe", seconds=0.5)
    assert "remote has not answered yet" in missing
    control.ask(prepared.places.keeper_socket, "stop", timeout=60.0, flush=False)


def test_restore_brings_a_file_back_and_can_be_undone(running: Running) -> None:
    running.write("one.txt", "second\n")
    assert running.flush() == []
    running.write("one.txt", "third\n")
    assert running.ask("restore", path="one.txt", at=1)["changed"] == ["one.txt"]
    assert (running.tree / "one.txt").read_text() == "one\n"
    running.ask("restore", path="one.txt", at=None)
    assert (running.tree / "one.txt").read_text() == "third\n"
    with pytest.raises(SessionError):
        running.ask("restore", path="one.txt", at=99)
    for hostile in ("/etc/passwd", "../outside", ".git/config", ""):
        with pytest.raises(UsageError):
            running.ask("restore", path=hostile, at=1)


def test_the_log_names_every_snapshot_newest_first(running: Running) -> None:
    running.write("one.txt", "second")
    assert running.flush("local") == []
    found = running.ask("log", limit=10)["snapshots"]
    assert [entry["number"] for entry in found] == [2, 1]
    assert "one.txt" in found[0]["subject"]
    assert len(running.ask("log", limit=1)["snapshots"]) == 1


def test_commit_is_the_users_own(running: Running) -> None:
    running.write("one.txt", "finished")
    commit = running.ask("commit", message="Finish", push=True)["commit"]
    assert git(running.tree, "rev-parse", "HEAD") == commit
    assert git(running.tree, "log", "-1", "--format=%an %s") == "Ada Lovelace Finish"
    assert git(running.remote, "rev-parse", "main") == commit


def test_what_may_not_leave_stops_the_push_of_a_commit(running: Running) -> None:
    before = git(running.remote, "rev-parse", "main")
    running.write("keys.py", f"token = '{KEY}'\n")
    with pytest.raises(RefusedError, match=r"holds keys\.py, which may not leave: secret: .* in line 1"):
        running.ask("commit", message="With a key", push=True)
    assert git(running.remote, "rev-parse", "main") == before
    made = git(running.tree, "rev-parse", "HEAD")
    assert made != before and git(running.tree, "log", "-1", "--format=%s") == "With a key"
    running.ask("allow", what="keys.py", once=False)
    running.write("one.txt", "more")
    commit = running.ask("commit", message="More", push=True)["commit"]
    assert git(running.remote, "rev-parse", "main") == commit


def test_a_secret_in_a_files_name_stops_the_push_of_a_commit(running: Running) -> None:
    before = git(running.remote, "rev-parse", "main")
    running.write(f"notes-{KEY}.txt", "plain words")
    with pytest.raises(
        RefusedError, match=r"holds notes-\[secret\]\.txt, which may not leave: secret: GitHub token"
    ):
        running.ask("commit", message="With a name", push=True)
    assert git(running.remote, "rev-parse", "main") == before


def test_the_next_snapshot_records_what_ran(running: Running) -> None:
    running.ask("note-ran", ran=json.dumps({"command": "train.py", "exit": 0}))
    running.write("one.txt", "trained")
    assert running.flush() == []
    message = git(running.remote, "log", "-1", "--format=%B", "session/ada/lesson")
    assert 'Gitsession-Ran: {"command": "train.py", "exit": 0}' in message


def test_a_continuous_writer_neither_starves_nor_floods(running: Running) -> None:
    first, stop = running.status()["snapshot"]["number"], threading.Event()

    def write() -> None:
        with (running.tree / "out.txt").open("a") as file:
            while not stop.is_set():
                file.write("line\n")
                file.flush()
                time.sleep(0.02)

    writer, began = threading.Thread(target=write), time.monotonic()
    writer.start()
    running.until(lambda status: status["snapshot"]["number"] >= first + 3)
    lasted = time.monotonic() - began
    taken = running.status()["snapshot"]["number"] - first
    stop.set()
    writer.join()
    assert taken <= lasted / running.configuration.max_age + 1


def test_hooks_are_installed_and_removed(running: Running) -> None:
    hooks = running.tree / ".git/hooks"
    assert (hooks / "post-commit").exists()
    running.stop()
    assert not (hooks / "post-commit").exists()


@pytest.mark.slow
def test_saving_resumes_by_itself_after_a_failure(running: Running) -> None:
    """A limit on the size of files stands for a full disk: every write of the agent fails."""
    pid = running.status()["agent"]["pid"]
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, unlimited[1]))
    running.write("one.txt", "changed")
    running.until(lambda status: any("Saving fails" in note for note in status["notes"]))
    assert "one.txt" in running.status()["at_risk"]
    assert running.flush("local", seconds=0.5) != []
    resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    running.until(lambda status: status["snapshot"]["number"] == 2)
    assert running.flush("safe") == []
    assert not any("Saving fails" in note for note in running.status()["notes"])


def test_nothing_of_the_local_state_can_be_read_by_others(running: Running) -> None:
    places = running.places
    assert places.directory.stat().st_mode & 0o077 == 0
    for path in (
        places.agent_socket,
        places.keeper_socket,
        places.log,
        places.keeper_log,
        places.configuration,
    ):
        assert path.lstat().st_mode & 0o077 == 0, path


def test_an_editors_word_and_a_hooks_nudge_are_heard(running: Running) -> None:
    running.ask("changed", paths=["one.txt", "../outside", "/etc/passwd"])
    running.ask("nudge", hook="post-commit")
    wait_for(lambda: running.status()["at_risk"] == [], "the marks to be looked at")
