"""Hooks in real repositories, run by real git: they nudge, chain, fail open, and leave no trace."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitsession import hooks, run
from gitsession.git import settings

PROJECT = Path(__file__).parent.parent
Build = Callable[[str], Path]
REPOSITORY = """
git init -q -b main .
echo one > file
git add file
git commit -q -m one
"""


class Agent:
    """Stands for the agent's socket: it takes one line a connection and remembers it; it answers `ok`."""

    def __init__(self, path: Path) -> None:
        self.path, self.heard = path, list[str]()
        self._arrived = threading.Condition()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                line = connection.makefile().readline()
                connection.sendall(b'{"ok": true}\n')
            with self._arrived:
                self.heard.append(line)
                self._arrived.notify_all()

    def wait_for(self, text: str) -> None:
        with self._arrived:
            assert self._arrived.wait_for(lambda: any(text in line for line in self.heard), timeout=20)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.path.unlink()


@pytest.fixture
def agent(sealed: Path) -> Iterator[Agent]:
    listening = Agent(sealed / "agent 'x'.sock")
    yield listening
    listening.close()


@pytest.fixture
def repository(transcript: Build) -> Path:
    return transcript(REPOSITORY)


def install(repository: Path, agent: Path) -> hooks.Installed:
    git_dir = repository / ".git"
    return hooks.install(git_dir, agent, run.program(), hooks_path=settings.hooks_path(git_dir))


def foreign(repository: Path, name: str, body: str) -> Path:
    path = repository / ".git/hooks" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], check=False, cwd=repository, capture_output=True, text=True, timeout=60
    )


def folder(repository: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (repository / ".git/hooks").iterdir()}


COMMANDS = [
    ("post-commit", "git commit -q --allow-empty -m two"),
    ("post-checkout", "git checkout -q -b other"),
    ("post-merge", "git checkout -q -b side && git commit -q --allow-empty -m s && git checkout -q main"
     " && git merge -q --no-ff side"),
    ("post-rewrite", "git commit -q --amend -m three"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_git_nudges_the_agent(repository: Path, agent: Agent, name: str, command: str) -> None:
    assert install(repository, agent.path).names == hooks.NAMES
    subprocess.run(["sh", "-ec", command], cwd=repository, check=True, timeout=60)
    agent.wait_for(f'"hook": "{name}"')


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_the_hook_that_was_there_keeps_arguments_input_and_exit_code(
    repository: Path, agent: Agent, name: str, command: str
) -> None:
    git_dir = repository / ".git"
    script = f'echo "$@" > {git_dir}/arguments; [ {name} = post-rewrite ] && cat > {git_dir}/input; exit 7'
    plain = foreign(repository, name, script)
    before = plain.read_bytes()
    assert name in install(repository, agent.path).names
    subprocess.run(["sh", "-c", command], check=False, cwd=repository, timeout=60)
    arguments = (git_dir / "arguments").read_text().split()
    assert len(arguments) == {"post-commit": 0, "post-checkout": 3, "post-merge": 1, "post-rewrite": 1}[name]
    if name == "post-rewrite":
        assert len((git_dir / "input").read_text().split()) == 2
    direct = subprocess.run(
        [git_dir / "hooks" / name, "a b"], check=False, stdin=subprocess.DEVNULL, timeout=60
    )
    assert direct.returncode == 7
    assert (git_dir / "arguments").read_text() == "a b\n"
    hooks.remove(git_dir, agent.path)
    assert plain.read_bytes() == before


def test_a_checkout_has_the_exit_code_of_the_hook_that_was_there(repository: Path, agent: Agent) -> None:
    foreign(repository, "post-checkout", "exit 3")
    install(repository, agent.path)
    assert git(repository, "checkout", "-q", "-b", "other").returncode == 1  # git's word for any failure


def test_removed_without_a_trace(repository: Path, agent: Agent) -> None:
    foreign(repository, "post-merge", "echo theirs")
    before = folder(repository)
    install(repository, agent.path)
    install(repository, agent.path)
    assert folder(repository) != before
    hooks.remove(repository / ".git", agent.path)
    assert folder(repository) == before
    hooks.remove(repository / ".git", agent.path)
    assert folder(repository) == before


@pytest.mark.parametrize("missing", ["socket", "program", "both"])
def test_fails_open(repository: Path, agent: Agent, missing: str) -> None:
    program = ["/nowhere/python"] if missing != "socket" else run.program()
    place = agent.path if missing == "program" else agent.path.with_name("gone.sock")
    hooks.install(repository / ".git", place, program, hooks_path=None)
    done = git(repository, "commit", "-q", "--allow-empty", "-m", "two")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_dead_socket_file_is_no_obstacle(repository: Path, sealed: Path) -> None:
    dead = sealed / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    install(repository, dead)
    done = git(repository, "commit", "-q", "--allow-empty", "-m", "two")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_agent_that_hangs_does_not_hold_git(repository: Path, sealed: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(sealed / "silent.sock"))
        silent.listen()
        install(repository, sealed / "silent.sock")
        done = git(repository, "commit", "-q", "--allow-empty", "-m", "two")
    assert (done.returncode, done.stderr) == (0, "")


def test_works_in_a_linked_worktree(repository: Path, agent: Agent) -> None:
    linked = repository.parent / "linked"
    git(repository, "worktree", "add", "-q", str(linked))
    install(repository, agent.path)
    assert git(linked, "commit", "-q", "--allow-empty", "-m", "two").returncode == 0
    agent.wait_for('"hook": "post-commit"')


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_stays_out_where_hooks_live_elsewhere(repository: Path, agent: Agent, scope: str) -> None:
    git(repository, "config", scope, "core.hooksPath", "elsewhere")
    before = folder(repository)
    done = install(repository, agent.path)
    assert done.names == ()
    assert dict(done.left_out)["post-commit"] == "core.hooksPath is set"
    assert folder(repository) == before


def test_stays_out_of_a_shared_hooks_folder(repository: Path, agent: Agent, sealed: Path) -> None:
    hooks_folder = repository / ".git/hooks"
    hooks_folder.rename(sealed / "shared")
    hooks_folder.symlink_to(sealed / "shared")
    assert install(repository, agent.path).names == ()


def test_a_hook_that_replaced_ours_is_not_lost(repository: Path, agent: Agent) -> None:
    first = foreign(repository, "post-commit", "echo first")
    install(repository, agent.path)
    new = foreign(repository, "post-commit", "echo new")
    assert dict(install(repository, agent.path).left_out) == {"post-commit": "a new hook replaced ours"}
    hooks.remove(repository / ".git", agent.path)
    assert "echo new" in new.read_text()
    assert "echo first" in first.with_name(f"post-commit{hooks.BEFORE}").read_text()


def test_a_hook_that_chains_ours_is_left_in_charge(repository: Path, agent: Agent) -> None:
    """As pre-commit does it: our file becomes `.legacy`, and the new one calls it."""
    install(repository, agent.path)
    ours = repository / ".git/hooks/post-commit"
    ours.rename(ours.with_name("post-commit.legacy"))
    foreign(repository, "post-commit", 'exec "$0.legacy" "$@"')
    assert "post-commit" not in install(repository, agent.path).names
    assert git(repository, "commit", "-q", "--allow-empty", "-m", "two").returncode == 0
    agent.wait_for('"hook": "post-commit"')


def test_an_edited_shim_is_the_users(repository: Path, agent: Agent) -> None:
    install(repository, agent.path)
    ours = repository / ".git/hooks/post-commit"
    edited = ours.read_text().replace("exit 0", "echo mine")
    ours.write_text(edited)
    assert dict(install(repository, agent.path).left_out) == {"post-commit": "our hook was edited"}
    hooks.remove(repository / ".git", agent.path)
    assert ours.read_text() == edited


@pytest.mark.parametrize("cut", ["after the link", "after the rename", "ours deleted"])
def test_an_install_that_was_cut_short_loses_nothing(repository: Path, agent: Agent, cut: str) -> None:
    theirs = foreign(repository, "post-commit", "echo theirs")
    before = folder(repository)
    beside = theirs.with_name(f"post-commit{hooks.BEFORE}")
    if cut == "after the link":
        os.link(theirs, beside)
    else:
        theirs.rename(beside)
    hooks.remove(repository / ".git", agent.path)
    assert folder(repository) == before


def test_an_install_after_one_that_was_cut_short(repository: Path, agent: Agent) -> None:
    theirs = foreign(repository, "post-commit", "echo theirs")
    before = folder(repository)
    os.link(theirs, theirs.with_name(f"post-commit{hooks.BEFORE}"))
    assert "post-commit" in install(repository, agent.path).names
    hooks.remove(repository / ".git", agent.path)
    assert folder(repository) == before


def test_two_sessions_on_one_repository(repository: Path, agent: Agent, sealed: Path) -> None:
    before = folder(repository)
    first = sealed / "first.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(first))
        install(repository, first)
        install(repository, agent.path)
        hooks.remove(repository / ".git", first)
        assert hooks.is_ours(repository / ".git/hooks/post-commit")
    hooks.remove(repository / ".git", agent.path)
    assert folder(repository) == before


def test_the_shim_of_a_session_that_died_is_cleaned_up(repository: Path, agent: Agent, sealed: Path) -> None:
    before = folder(repository)
    install(repository, sealed / "died.sock")
    hooks.remove(repository / ".git", agent.path)
    assert folder(repository) == before


def test_a_hook_that_is_a_link_stays_a_link(repository: Path, agent: Agent) -> None:
    link = repository / ".git/hooks/post-commit"
    foreign(repository, "shared-hook", "exit 0")
    link.symlink_to("shared-hook")
    install(repository, agent.path)
    assert not link.is_symlink()
    hooks.remove(repository / ".git", agent.path)
    assert link.readlink() == Path("shared-hook")


@pytest.mark.parametrize("content", [b"", b"\0\xff" * 100, b"#!/bin/sh\n", b"# gitsession hook 1\n"])
def test_what_is_not_ours(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "post-commit").write_bytes(content)
    assert not hooks.is_ours(tmp_path / "post-commit")


def test_a_folder_in_the_way_is_said(repository: Path, agent: Agent) -> None:
    (repository / ".git/hooks/post-commit").mkdir()
    (repository / ".git/hooks/post-commit/x").touch()
    done = install(repository, agent.path)
    assert "post-commit" in dict(done.left_out)
    assert set(done.names) == set(hooks.NAMES) - {"post-commit"}


@pytest.mark.parametrize("name", hooks.NAMES)
def test_the_shims_are_posix(name: str) -> None:
    path = PROJECT / "hooks" / name
    assert os.access(path, os.X_OK)
    subprocess.run(["sh", "-n", path], check=True, timeout=20)
    assert hooks.is_ours(path)


BUILD = """
import sys
import hatchling.build as backend
for build in (backend.build_wheel, backend.build_sdist, backend.build_editable):
    build(sys.argv[1] + "/" + build.__name__)
"""


@pytest.mark.slow
def test_wheel_sdist_and_editable_carry_the_shims(tmp_path: Path) -> None:
    pytest.importorskip("hatchling.build", reason="needs hatchling, the build backend")
    pytest.importorskip("editables", reason="needs editables, hatchling's part for editable installs")
    for kind in ("build_wheel", "build_sdist", "build_editable"):
        (tmp_path / kind).mkdir()
    subprocess.run([sys.executable, "-c", BUILD, tmp_path], cwd=PROJECT, check=True, timeout=100)
    shims = {f"gitsession/_hooks/{name}" for name in hooks.NAMES}
    with zipfile.ZipFile(next((tmp_path / "build_wheel").iterdir())) as wheel:
        assert shims <= set(wheel.namelist())
    with tarfile.open(next((tmp_path / "build_sdist").iterdir())) as sdist:
        sdist.extractall(tmp_path, filter="data")
    unpacked = next(tmp_path.glob("gitsession-*"))
    assert all((unpacked / shim).is_file() for shim in shims)
    with zipfile.ZipFile(next((tmp_path / "build_editable").iterdir())) as editable:
        pointer = next(name for name in editable.namelist() if name.endswith(".pth"))
        place = Path(editable.read(pointer).decode().strip())
    assert all((place / shim).is_file() for shim in shims)
