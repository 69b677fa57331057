"""`gitsession demo`: the whole story on this machine, with a remote that is a folder and no account."""

from __future__ import annotations

import os
import shutil
import signal
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import click

from gitsession import run
from gitsession.commands.open import open_session
from gitsession.commands.output import print_json, say
from gitsession.commands.status import show
from gitsession.commands.target import json_option
from gitsession.errors import WorkTreeError
from gitsession.git import Repository, plain
from gitsession.model import Identity
from gitsession.resume.options import Options
from gitsession.session import Session

AUTHOR = Identity("Ada Lovelace", "ada@example.org")
SAVED_WITHIN = 60.0


@dataclass(frozen=True)
class Stage:
    """The folder where the demo plays: remote, vault, work tree and the machine's state."""

    root: Path

    @property
    def remote(self) -> Path:
        """The bare repository that stands for GitHub."""
        return self.root / "remote" / "leaves.git"

    @property
    def vault(self) -> Path:
        """The folder that stands for Drive."""
        return self.root / "vault"

    @property
    def worktree(self) -> Path:
        """The directory one would edit."""
        return self.root / "leaves"

    @property
    def state(self) -> Path:
        """The machine's own `GITSESSION_HOME`, so that the demo touches no other session."""
        return self.root / "state"


def make_remote(stage: Stage) -> None:
    """Make the sample project and the bare repository that serves it; one that is there is kept."""
    if stage.remote.exists():
        return
    stage.remote.parent.mkdir(parents=True, exist_ok=True)
    making = stage.remote.parent / ".making"
    shutil.rmtree(making, ignore_errors=True)
    with resources.as_file(resources.files("gitsession") / "sample") as sample:
        shutil.copytree(sample, making, ignore=shutil.ignore_patterns("__pycache__", "runs"))
    (making / "gitignore").rename(making / ".gitignore")
    plain("init", "--quiet", "--initial-branch=main", "--", str(making), cwd=stage.root)
    identity = {"user.name": AUTHOR.name, "user.email": AUTHOR.email}
    project = Repository(making / ".git", making, config=identity)
    project.run("add", "--all", "--", ".")
    project.run("commit", "--quiet", "--message", "Measure falling leaves")
    plain("clone", "--quiet", "--bare", "--", str(making), str(stage.remote), cwd=stage.root)
    shutil.rmtree(making)


def edit(worktree: Path) -> None:
    """Work as a person would: a changed line, a new file, a staged change."""
    train = worktree / "train.py"
    train.write_text(train.read_text().replace("default=0.05", "default=0.08"))
    (worktree / "notes.md").write_text("The drag of a wet leaf is twice that of a dry one.\n")
    work = Repository(worktree / ".git", worktree)
    work.run("add", "--", "train.py")


def lose_the_machine(stage: Stage, session: Session) -> None:
    """SIGKILL what runs and delete the work tree and all local state: only remote and vault are left."""
    processes = session.processes()
    for pid in processes:
        run.signal_group(pid, signal.SIGKILL)
    while any(run.is_alive(pid) for pid in processes):
        time.sleep(0.02)
    shutil.rmtree(stage.worktree)
    shutil.rmtree(stage.state)


def _open(stage: Stage) -> Session:
    options = Options(
        repo=str(stage.remote), storage=str(stage.vault), workdir=str(stage.worktree), editor=None
    )
    return open_session(options)


def play(stage: Stage) -> Session:
    """Open, edit, lose the machine, resume; answers with the resumed session, which goes on running."""
    make_remote(stage)
    say(f"1. Open {stage.remote}")
    session = _open(stage)
    say("2. Edit: a changed line that is staged, and a new file")
    edit(session.worktree)
    session.flush(SAVED_WITHIN, "stored")
    show(session.status())
    say("3. Lose the machine: every process is killed, the work tree and all local state are deleted")
    lose_the_machine(stage, session)
    say("4. Open again, on what is as good as a new machine")
    began = time.monotonic()
    session = _open(stage)
    say(f"   back in {time.monotonic() - began:.1f} s, with what was staged and what was new:")
    say(Repository(session.worktree / ".git", session.worktree).text("status", "--short", "--branch"))
    return session


def _checked(root: Path) -> Stage:
    marker = root / ".gitsession-demo"
    if root.exists() and any(root.iterdir()) and not marker.exists():
        raise WorkTreeError(
            f"{root} is not empty and not a demo of ours.",
            safe="Nothing was touched.",
            hint="Name another folder with --directory.",
        )
    root.mkdir(parents=True, exist_ok=True)
    marker.touch()
    return Stage(root.resolve())


def _how_to_go_on(stage: Stage) -> None:
    say(f"""
The session is running. To speak to it from your shell:
  export GITSESSION_HOME="{stage.state}"
  cd {stage.worktree}
Edit files there and watch:
  gitsession status --watch
  gitsession log
  gitsession close""")


@click.command(epilog="Example: gitsession demo --directory /tmp/demo")
@click.option("--directory", type=click.Path(path_type=Path), default=Path("sample"), show_default=True)
@click.option("--keep-running", is_flag=True, help="Leave the session running at the end.")
@json_option
def command(directory: Path, keep_running: bool, as_json: bool) -> None:
    """Play the whole story on this machine: open, edit, kill everything, resume. No account, no network."""
    stage = _checked(directory)
    os.environ["GITSESSION_HOME"] = str(stage.state)
    session = play(stage)
    status = session.status()
    show(status)
    if keep_running:
        _how_to_go_on(stage)
    else:
        session.close()
    if as_json:
        print_json(status.to_json())
