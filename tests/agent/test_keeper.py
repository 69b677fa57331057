from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from gitsession import run
from gitsession.agent import control, launching
from gitsession.agent.configuration import Secrets
from gitsession.commands import target
from gitsession.editor.invocation import Invocation
from gitsession.errors import AgentError, SessionError
from gitsession.resume.running import is_running
from tests.agent.conftest import Running, wait_for
from tests.rig import processes
from tests.rig.repositories import PROJECT, git

CANARY = "ghp_canary0123456789abcdefghijklmnopqr"


def of_session(running: Running) -> list[processes.Seen]:
    """Every process that this session's home shows in its environment or arguments."""
    return processes.carrying(str(running.places.root))


def counted(running: Running) -> tuple[int, int]:
    """How many keepers and agents there are; a fork that has not become git yet looks like its parent."""
    seen = [each.arguments for each in of_session(running)]
    return sum("agent.keeper" in each for each in seen), sum("agent.main" in each for each in seen)


def test_two_launches_at_once_give_one_keeper_and_one_agent(prepared: Running) -> None:
    launches = [
        threading.Thread(target=launching.launch, args=(prepared.configuration, Secrets())) for _ in range(3)
    ]
    for launch in launches:
        launch.start()
    for launch in launches:
        launch.join()
    wait_for(prepared.answers)
    wait_for(lambda: counted(prepared) == (1, 1), "one keeper and one agent")


def test_what_was_loaded_ends_with_who_loaded_it(prepared: Running) -> None:
    """A keeper and an agent load while `open` still looks; `open` may fail, or be killed."""
    with launching.loading() as loaded:
        launching.load_agent(loaded)
        wait_for(lambda: counted(prepared)[1] == 1, "an agent that loads")
    assert counted(prepared) == (0, 0)
    code = (
        "from gitsession.agent.launching import *\nwith loading() as one:\n    load_agent(one)\n    input()"
    )
    opener = run.start(
        (sys.executable, "-c", code), env={**os.environ, "PYTHONPATH": str(PROJECT)}, stdin=run.PIPE
    )
    wait_for(lambda: counted(prepared)[1] == 1, "an agent that loads")
    opener.kill()
    run.complete(opener, ("opener",), None, 60.0)
    wait_for(lambda: counted(prepared) == (0, 0), "their end")


def test_an_editor_that_was_begun_ends_with_who_had_it_begun(prepared: Running) -> None:
    """Its keeper got no session: it starts nothing that outlives it."""
    mark = f"{prepared.places.root}/begun"
    argv = (sys.executable, "-c", "import time; time.sleep(600)", mark)
    prepared.places.create()
    invocation = Invocation(argv, dict(os.environ), Path("/"), prepared.places.directory / "log/editor.log")
    with launching.loading() as loaded:
        launching.begin_editor(loaded, invocation)
        wait_for(lambda: processes.carrying(mark), "the editor")
    assert wait_for(lambda: processes.carrying(mark) == [], "its end")


def test_launching_again_attaches(running: Running) -> None:
    before = (running.keeper_pid(), running.agent_pid())
    launching.launch(running.configuration, Secrets())
    assert (running.keeper_pid(), running.agent_pid()) == before


def test_a_killed_agent_is_restarted_and_loses_nothing(running: Running) -> None:
    running.write("one.txt", "acknowledged")
    assert running.flush("local") == []
    number, pid = running.status()["snapshot"]["number"], running.agent_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    running.write("src/two.txt", "written while it was gone")
    wait_for(lambda: running.agent_pid() not in (None, pid), "a new agent")
    running.until(lambda status: status["snapshot"]["number"] > number)
    assert running.flush("safe") == []
    assert running.at_remote("one.txt") == "acknowledged"
    assert running.at_remote("src/two.txt") == "written while it was gone"
    assert "agent crashed" in running.log()


def test_a_command_waits_for_an_agent_that_is_started_again(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, keeper = running.agent_pid(), running.keeper_pid()
    assert agent is not None
    assert keeper is not None
    os.kill(keeper, signal.SIGSTOP)  # so that it is not back before we ask
    try:
        os.kill(agent, signal.SIGKILL)
        monkeypatch.setattr(target, "RESTART", 0.0)
        with pytest.raises(SessionError, match="crashed and is being started again"):
            target.find(None)
    finally:
        os.kill(keeper, signal.SIGCONT)
    monkeypatch.setattr(target, "RESTART", 60.0)
    assert target.find(None).places == running.places
    assert running.agent_pid() != agent


def test_a_restarted_agent_still_knows_the_times_of_before(running: Running) -> None:
    for name in ("one.txt", "src/two.txt"):
        running.write(name, "changed")
        assert running.flush("safe") == []
        pid = running.agent_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda pid=pid: running.agent_pid() not in (None, pid), "another agent")  # type: ignore[misc]
    assert wait_for(lambda: _flushed(running))
    times = git(running.remote, "ls-tree", "-r", "--name-only", "refs/gitsession/ada/lesson", "mtimes/")
    assert times.splitlines() == ["mtimes/=", "mtimes/=src"]


def test_an_agent_whose_keeper_is_killed_saves_and_ends(running: Running) -> None:
    agent, master = running.agent_pid(), running.keeper_pid()
    assert agent is not None
    assert master is not None
    running.write("one.txt", "the last words")
    os.kill(master, signal.SIGKILL)
    wait_for(lambda: not run.is_alive(agent), "the agent's end")
    assert running.at_remote("one.txt") == "the last words"
    assert of_session(running) == []


def test_it_opens_again_after_both_were_killed(running: Running) -> None:
    for pid in (running.keeper_pid(), running.agent_pid()):
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    running.write("one.txt", "while nothing ran")
    running.launch()
    assert running.flush("safe") == []
    assert running.at_remote("one.txt") == "while nothing ran"


def test_a_keeper_that_gets_sigterm_flushes_and_leaves_nothing(running: Running) -> None:
    master = running.keeper_pid()
    assert master is not None
    running.write("one.txt", "before the end")
    os.kill(master, signal.SIGTERM)
    wait_for(lambda: not of_session(running), "their end")
    assert running.at_remote("one.txt") == "before the end"
    assert not running.places.agent_socket.exists()
    assert not running.places.keeper_socket.exists()


def test_stop_flushes_and_answers_when_all_is_over(running: Running) -> None:
    agent = running.agent_pid()
    assert agent is not None
    running.write("one.txt", "before the stop")
    assert running.stop() == []
    assert not run.is_alive(agent)
    assert running.at_remote("one.txt") == "before the stop"
    wait_for(lambda: not of_session(running), "the keeper's end")


def test_it_can_be_launched_right_after_a_stop(running: Running) -> None:
    running.stop()
    running.launch()
    assert running.flush("safe") == []


def test_stop_says_what_it_could_not_save(prepared: Running) -> None:
    prepared.relaunched(storage=None)
    prepared.remote.rename(prepared.folder / "away.git")
    prepared.write("one.txt", "nowhere to go")
    missing = prepared.stop()
    assert any("remote" in line for line in missing)


def test_stop_without_a_flush_does_not_wait_for_a_hanging_remote(prepared: Running) -> None:
    (prepared.remote / "HEAD").unlink()
    os.mkfifo(prepared.remote / "HEAD")
    prepared.launch()
    prepared.write("one.txt", "changed")
    control.ask(prepared.places.keeper_socket, "stop", timeout=60.0, flush=False)
    wait_for(lambda: not of_session(prepared), "the end of all, of git too")


def test_the_token_is_in_memory_only(prepared: Running) -> None:
    prepared.launch(CANARY)
    prepared.write("one.txt", "changed")
    assert prepared.flush() == []
    assert control.ask(prepared.places.keeper_socket, "token")["token"] == CANARY
    for seen in of_session(prepared):
        assert CANARY not in seen.arguments
        assert CANARY.encode() not in Path(f"/proc/{seen.pid}/environ").read_bytes()
    for place in (prepared.places.root, prepared.tree, prepared.remote, prepared.folder.parent / "vault"):
        for path in place.rglob("*"):
            if path.is_file():
                assert CANARY.encode() not in path.read_bytes(), path


def test_a_token_can_be_replaced_and_forgotten(running: Running) -> None:
    socket = running.places.keeper_socket
    assert control.ask(socket, "token")["token"] is None
    control.ask(socket, "set-token", token=CANARY)
    assert control.ask(socket, "token")["token"] == CANARY
    control.ask(socket, "set-token", token=None)
    assert control.ask(socket, "token")["token"] is None
    assert CANARY not in running.log()


def test_the_users_command_gives_the_token_where_none_was_handed_over(prepared: Running) -> None:
    prepared.relaunched(token_command=f"echo {CANARY}")
    wait_for(lambda: control.ask(prepared.places.keeper_socket, "token")["token"] == CANARY)


def test_git_is_told_nothing_about_other_places(running: Running) -> None:
    control.ask(running.places.keeper_socket, "set-token", token=CANARY)
    request = "protocol=https\nhost=evil.example\npath=ada/lesson\n\n"
    assert control.ask(running.places.keeper_socket, "credential", request=request) == {}


def test_a_keeper_that_cannot_start_says_so(prepared: Running) -> None:
    prepared.places.create()
    prepared.places.keeper_socket.mkdir()
    with pytest.raises(AgentError, match="did not start"):
        launching.launch(prepared.configuration, Secrets())


def test_an_agent_that_cannot_start_is_tried_again_with_pauses(prepared: Running) -> None:
    aside = prepared.tree.with_name("aside")
    prepared.tree.rename(aside)
    launching.launch(prepared.configuration, Secrets())
    wait_for(lambda: prepared.log().count("agent crashed") >= 2, "a second try")
    aside.rename(prepared.tree)
    wait_for(prepared.answers, "the agent")
    assert prepared.flush("safe") == []


def test_opening_right_after_the_keeper_died_waits_for_the_old_agents_last_flush(running: Running) -> None:
    agent, master = running.agent_pid(), running.keeper_pid()
    assert agent is not None and master is not None
    os.kill(agent, signal.SIGSTOP)
    os.kill(master, signal.SIGKILL)
    running.write("one.txt", "the last words")
    assert not is_running(running.places)
    launching.launch(running.configuration, Secrets())
    os.kill(agent, signal.SIGCONT)
    wait_for(lambda: is_running(running.places), "the new agent")
    assert running.agent_pid() != agent
    assert running.flush("safe") == []
    assert running.at_remote("one.txt") == "the last words"
    assert "agent crashed" not in running.log()
    assert counted(running) == (1, 1)


def test_where_the_local_state_is_deleted_nothing_stays_behind_that_claims_to_save(running: Running) -> None:
    while running.places.directory.exists():  # its agent may write while it is deleted
        shutil.rmtree(running.places.directory, ignore_errors=True)
    running.write("one.txt", "nobody saves this")
    wait_for(lambda: not of_session(running), "the end of keeper and agent")
    assert not running.places.directory.exists()


@pytest.mark.slow
def test_random_kills_never_lose_what_was_acknowledged(running: Running) -> None:
    acknowledged = ""
    for number in range(8):
        running.write("one.txt", f"version {number}")
        time.sleep(0.05 * (number % 4))
        if number % 3 == 0 and wait_for(lambda: _flushed(running), "an agent that flushes"):
            acknowledged = f"version {number}"
        victim = running.agent_pid() if number % 2 else running.keeper_pid()
        if victim is not None:
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda pid=victim: not run.is_alive(pid))  # type: ignore[misc]
        running.launch()
        held = git(running.remote, "log", "--format=", "--patch", "session/ada/lesson", "--", "one.txt")
        assert f"+{acknowledged}" in held


def _flushed(running: Running) -> bool:
    """Whether a flush reached *safe*; the agent of a keeper that was killed may end meanwhile."""
    with suppress(AgentError):
        return running.flush("safe") == []
    return False
