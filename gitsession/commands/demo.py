"""`gitsession demo`: the whole story on this machine, with a remote that is a folder and no account."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import click

from gitsession import run
from gitsession.agent.places import all_places
from gitsession.commands.open import open_session
from gitsession.commands.output import note, print_json, say
from gitsession.commands.status import headline, show
from gitsession.commands.target import json_option
from gitsession.errors import GitsessionError, WorkTreeError
from gitsession.git import Repository, plain
from gitsession.model import Identity
from gitsession.resume.options import Options
from gitsession.session import Session

INTERRUPTED = 130  # as a shell says of what ended by Ctrl+C
AUTHOR = Identity("Ada Lovelace", "ada@example.org")
SAVED_WITHIN = 60.0
RUN_AGAIN = (("drag = 1.18", "drag = 1.19"), ("error 0.00072", "error 0.00069"), (" 1.59 s", " 1.60 s"))
PAGE = "<!doctype html><meta charset=utf-8><title>The card</title><body style='max-width:45em'>"


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

    @property
    def card(self) -> Path:
        """The card that a notebook would show, as a page."""
        return self.root / "card.html"

    @property
    def report(self) -> Path:
        """The report that a reviewer would read, as a page."""
        return self.root / "review.html"


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
    """Work as a person would: a changed line that is staged, a new file, a notebook that was run again."""
    train = worktree / "train.py"
    train.write_text(train.read_text().replace("default=0.05", "default=0.08"))
    (worktree / "notes.md").write_text("The drag of a wet leaf is twice that of a dry one.\n")
    notebook = worktree / "notebooks" / "results.ipynb"
    told = notebook.read_text()
    for before, after in RUN_AGAIN:
        told = told.replace(before, after)
    notebook.write_text(told)
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


def play(stage: Stage, tell: Callable[[str], None] = say) -> Session:
    """Open, edit, lose the machine, resume, hand in; answers with the resumed session, which goes on running.

    Args:
        stage: Where it plays.
        tell: Told each step.
    """
    make_remote(stage)
    tell(f"1. Open {stage.remote}")
    session = _open(stage)
    tell("2. Edit: a changed line that is staged, a new file, and a notebook that was run again")
    edit(session.worktree)
    session.flush(SAVED_WITHIN, "safe")
    status = session.status()
    tell(f"   {headline(status)}, as {status.branch} on the remote and in {stage.vault}")
    tell("3. Lose the machine: every process is killed, the work tree and all local state are deleted")
    lose_the_machine(stage, session)
    tell("4. Open again, on what is as good as a new machine")
    began = time.monotonic()
    session = _open(stage)
    tell(f"   back in {time.monotonic() - began:.1f} s, with what was staged and what was new:")
    tell(Repository(session.worktree / ".git", session.worktree).text("status", "--short", "--branch"))
    tell("5. Hand it in for review")
    write_pages(stage, session)
    tell(f"   what a reviewer reads:  {stage.report}\n   what a notebook shows:  {stage.card}")
    return session


def write_pages(stage: Stage, session: Session) -> None:
    """Hand in, and leave the report of the review and the card as pages that can be looked at."""
    handed_in = session.review("Fit the drag with a larger step")
    shutil.copyfile(handed_in.report, stage.report)
    session.flush(SAVED_WITHIN, "safe")
    stage.card.write_text(PAGE + session._repr_html_())


def end_all() -> None:
    """End what runs on the stage, also where `play` did not come to its end."""
    for places in all_places():
        with suppress(GitsessionError):
            Session(places).close(flush=False)


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
def command(directory: Path, keep_running: bool, as_json: bool) -> int:
    """Play the whole story on this machine: open, edit, kill everything, resume, review.

    No account and no network are needed. The pages that a reviewer and a notebook's user would see are left
    in the directory.
    """
    stage = _checked(directory)
    os.environ["GITSESSION_HOME"] = str(stage.state)
    try:
        _perform(stage, keep_running=keep_running, as_json=as_json)
    except KeyboardInterrupt:
        end_all()
        note(
            f"\nStopped; nothing of the demo runs any more. {stage.root} stays: play it again, or delete it."
        )
        return INTERRUPTED
    except BaseException:
        end_all()
        raise
    return 0


def _perform(stage: Stage, *, keep_running: bool, as_json: bool) -> None:
    session = play(stage, note if as_json else say)
    status = session.status()
    if as_json:
        print_json({**status.to_json(), "pages": [str(stage.report), str(stage.card)]})
    else:
        show(status)
    if not keep_running:
        session.close()
    elif not as_json:
        _how_to_go_on(stage)
