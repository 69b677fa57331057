"""What happens to kernels: restarted, killed, interrupted, opened twice, busy. Saving goes on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.notebook.conftest import OpenNotebook, opening
from tests.rig.colab import Front, Notebook
from tests.rig.patience import eventually
from tests.rig.runtime import Runtime

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(120)]
SAFE = "session.flush(60); print(sorted(session.processes()))"


def processes(notebook: Notebook) -> str:
    """The session's processes, after everything was saved."""
    ran = notebook.run(SAFE)
    assert ran.ok, ran.error
    return ran.stdout.strip()


def agents(runtime: Runtime) -> int:
    """How many agents and keepers run on the machine."""
    return sum("gitsession.agent." in seen.arguments for seen in runtime.processes())


def one_agent_alone(runtime: Runtime) -> None:
    """One keeper and one agent run. A process that is just being started bears its parent's name for a
    moment, so that more are looked at again; a second agent would stay.
    """
    deadline = time.monotonic() + 20.0
    while agents(runtime) != 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert agents(runtime) == 2, runtime.processes()


def saved(notebook: Notebook, path: str) -> bool:
    """Whether the newest snapshot holds a file."""
    shown = notebook.run(
        "commit = session.snapshots(1)[0].commit\n"
        f"!git -C {{session.places.shadow}} cat-file -e {{commit}}:{path} && echo held"
    )
    return "held" in shown.stdout


def write(path: str) -> str:
    return f"(session.worktree / {path!r}).write_text({path!r} * 10)"


def opens_now_and_nothing_half_done_is_left(notebook: Notebook, runtime: Runtime, code: str) -> None:
    ran = notebook.run(code)
    assert ran.ok, ran.error
    notebook.run(write("a.txt"))
    processes(notebook)
    one_agent_alone(runtime)
    assert saved(notebook, "a.txt")
    assert not list(runtime.work.glob(".gitsession-tmp-*"))
    assert not list((runtime.state / "opening").glob("*"))


def test_the_session_outlives_kernels_that_are_restarted_and_killed(
    open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path
) -> None:
    notebook = open_notebook(colab=False)
    code = opening(sample_repository, runtime)
    assert notebook.run(code).ok
    before = processes(notebook)
    notebook.run(write("a.txt"))
    notebook.restart()
    assert notebook.run(code).ok
    assert processes(notebook) == before
    notebook.run(write("b.txt"))
    notebook.client.execute(f"{write('c.txt')}\nimport time; time.sleep(600)")
    eventually((notebook.runtime.work / "tree/c.txt").exists)
    os.kill(notebook.pid, signal.SIGKILL)  # what a machine out of memory does, in the middle of a cell
    notebook.restart()
    assert notebook.run(code).ok
    assert notebook.run(code).ok
    assert processes(notebook) == before
    one_agent_alone(runtime)
    assert saved(notebook, "a.txt")
    assert saved(notebook, "b.txt")
    assert saved(notebook, "c.txt")
    told = notebook.run(
        "print([(each.subject, each.ran) for each in session.snapshots() if each.ran])"
    ).stdout
    assert "The kernel ended in the middle of cell 4" in told
    assert "'error': 'kernel ended'" in told
    back = notebook.run("%gitsession restore c.txt --before-cell 4 --yes")
    assert "1 restored" in back.stdout and not (notebook.runtime.work / "tree/c.txt").exists()


def test_two_notebooks_share_one_agent(
    open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path
) -> None:
    code = opening(sample_repository, runtime)
    one, other = open_notebook(colab=False), open_notebook(colab=False)
    message = one.client.execute(code)
    assert other.run(code).ok
    one.client.get_shell_msg(timeout=60)
    assert message
    assert processes(one) == processes(other)
    one_agent_alone(runtime)
    assert one.run("session.close()").ok
    other.serve_until(lambda: agents(runtime) == 0)
    closed = other.run("session.status()")
    assert "No background process" in closed.error
    assert other.run(code).ok
    one_agent_alone(runtime)


@pytest.mark.parametrize("after", [0.15, 0.6, 1.2])
def test_an_interrupted_open_leaves_nothing_half_done(
    open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path, after: float
) -> None:
    notebook = open_notebook(colab=False)
    code = opening(sample_repository, runtime)
    notebook.run("import signal, threading, os")
    interrupted = notebook.run(
        f"threading.Timer({after}, os.kill, (os.getpid(), signal.SIGINT)).start()\n{code}\n"
        "import time; time.sleep(3)"
    )
    assert not interrupted.ok
    assert agents(runtime) in (0, 1, 2)
    opens_now_and_nothing_half_done_is_left(notebook, runtime, code)


@pytest.mark.parametrize("at", ["work/.gitsession-tmp-*", "s/opening/*", "s/sessions/*", "work/tree/.git"])
def test_a_kernel_that_is_killed_in_the_middle_of_open_leaves_nothing_half_done(
    open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path, at: str
) -> None:
    """Killed as soon as the clone, the lock, the session's state or the work tree is there."""
    notebook = open_notebook(colab=False)
    code = opening(sample_repository, runtime)
    notebook.client.execute(code)
    assert eventually(lambda: any(runtime.root.glob(at)), pause=0.002)
    os.kill(notebook.pid, signal.SIGKILL)
    notebook.restart()
    opens_now_and_nothing_half_done_is_left(notebook, runtime, code)


def test_interrupted_while_the_page_is_asked(
    open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path
) -> None:
    notebook = open_notebook(Front(silent={"get_ipynb"}))
    notebook.run("import signal, threading, os")
    code = opening(sample_repository, runtime)
    stopped = notebook.run(
        f"threading.Timer(4, os.kill, (os.getpid(), signal.SIGINT)).start()\n{code}\n"
        "import time; time.sleep(9)"
    )
    assert not stopped.ok
    ran = notebook.run(code)
    assert ran.ok, ran.error
    assert "did not say what is in this tab" in ran.cards[0]
    one_agent_alone(runtime)


HOLDS_THE_LOCK = """
import ctypes
(session.worktree / "during.txt").write_text("x")
ctypes.PyDLL(None).sleep(5)  # C code that lets no other thread run
"""
FORKS = """
import multiprocessing, time
context = multiprocessing.get_context("fork")
def work(number):
    (session.worktree / f"worker-{number}.txt").write_text("x")
    time.sleep(0.2)
workers = [context.Process(target=work, args=(number,)) for number in range(4)]
for worker in workers: worker.start()
for worker in workers: worker.join()
print([worker.exitcode for worker in workers])
"""


def test_a_loop_that_holds_the_lock_and_workers_that_fork_change_nothing(
    open_notebook: OpenNotebook, runtime: Runtime, sample_repository: Path
) -> None:
    notebook = open_notebook(colab=False)
    assert notebook.run(opening(sample_repository, runtime)).ok
    before = processes(notebook)
    log = next((runtime.state / "sessions").glob("*/log/agent.log"))
    taken = log.read_text().count('"saved"')
    during: list[int] = []
    held = notebook.run(
        HOLDS_THE_LOCK, meanwhile=lambda: during.append(log.read_text().count('"saved"')), timeout=100
    )
    assert held.ok, held.error
    assert during[-1] > taken
    forked = notebook.run(FORKS)
    assert forked.stdout.strip() == "[0, 0, 0, 0]", forked
    assert processes(notebook) == before
    for path in ("during.txt", "worker-0.txt", "worker-3.txt"):
        assert saved(notebook, path)
